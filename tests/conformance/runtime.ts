/** Which runtime the tests run in; what differs between runtimes is decided by these names alone. */

export const inBrowser = 'window' in globalThis
export const inDeno = 'Deno' in globalThis
export const inBun = 'Bun' in globalThis
export const inNode = !inBrowser && !inDeno && !inBun

/** The errno name a promise or call fails with; 'none' when it succeeds. */
export async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act()
    return 'none'
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error)
  }
}
