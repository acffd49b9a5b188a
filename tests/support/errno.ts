/** What a call says: `ok`, or the errno's name it fails with. Told apart from anything that is no errno. */
export function outcome(act: () => unknown): string {
  try {
    act()
    return 'ok'
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string') throw error
    return code
  }
}
