/**
 * as-pect runs the kernel's unit tests: one spec per assembly file, compiled together with it.
 * Globs are relative to the repository's top folder, where the runner starts.
 */

const memoryPages = { initial: 64, maximum: 65536 } // as in as-pect.asconfig.json

export default {
  entries: [`tests/kernel/**/${process.env.ISOPAGE_SPEC ?? '*'}.spec.ts`],
  include: ['tests/kernel/**/*.include.ts'],
  disclude: [/node_modules/],
  instantiate(_memory, createImports, instantiate, binary) {
    const memory = new WebAssembly.Memory({ ...memoryPages, shared: true })
    return instantiate(binary, createImports({ env: { memory } }))
  },
  outputBinary: false,
}
