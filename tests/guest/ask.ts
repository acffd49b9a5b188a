/** Compiled and native programs for tests: pages have neither compiler nor processes, and ask the one that drives them. */
import type * as build from './build.ts'

type Asked = Pick<typeof build, 'guestPrograms' | 'runProgram'>

export async function ask(): Promise<Asked> {
  if (!('window' in globalThis)) return import('./build.ts')
  const { commands } = await import('vitest/browser')
  return commands as unknown as Asked
}

/** => bytes of base64. */
export function decoded(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}

export function textOf(chunks: readonly Uint8Array[]): string {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return new TextDecoder().decode(whole)
}
