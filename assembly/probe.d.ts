/** What specs may define to look at transactions; see journal.ts. For the type checker only: the compiler does not read this file. */
// biome-ignore lint/complexity/noStaticOnlyClass: it describes such a class
declare class TransactionProbe {
  /** The lock was taken. */
  static began(): void
  /** Old bytes are about to be pushed. */
  static saving(): void
  /** The transaction is about to stand. */
  static ending(): void
}
