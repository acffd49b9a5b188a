import { expect, test } from 'vitest'
import * as abi from '../../assembly/abi.ts'
import { coreBytes } from '../../dist/core-bytes.js'
import { abiVersion, boot, coreModule } from '../../dist/src/index.js'
import { bareKernel } from '../support/bare-kernel.ts'
import { startThread } from '../support/thread.ts'

const PAGES = 1024 // 64 MiB: the kernel's memory never grows, so initial = maximum

function sharedMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true })
}

async function abiVersionOver(module: WebAssembly.Module, memory: WebAssembly.Memory) {
  return (await bareKernel(module, memory)).abiVersion?.()
}

test('core.wasm runs over a shared memory and speaks the ABI of the package', async () => {
  expect(await abiVersionOver(await coreModule(), sharedMemory())).toBe(abiVersion)
})

test('the bytes for single-file bundles are the same kernel', async () => {
  const module = await WebAssembly.compile(coreBytes)
  expect(WebAssembly.Module.exports(module)).toEqual(WebAssembly.Module.exports(await coreModule()))
  expect(await abiVersionOver(module, sharedMemory())).toBe(abiVersion)
})

test('boots from the bytes, and from a compiled module', async () => {
  for (const core of [coreBytes, await coreModule()]) {
    await using kernel = await boot({ memory: '16MiB', core })
    expect(kernel.process().pid).toBe(1)
  }
})

test('no two panics have one number', () => {
  const numbers = Object.entries(abi).flatMap(([name, value]) =>
    name.startsWith('PANIC_') ? [value] : [],
  )
  expect(numbers).toEqual([...new Set(numbers)])
})

test('a second thread instantiates the same module over the same memory', async () => {
  const memory = sharedMemory()
  const lastWord = memory.buffer.byteLength - 4
  new Int32Array(memory.buffer, lastWord, 1)[0] = 40
  await using thread = await startThread(new URL('./core.thread.ts', import.meta.url))
  expect(await thread.call('abiVersion', await coreModule(), memory)).toBe(abiVersion)
  expect(await thread.call('add', memory, lastWord, 2)).toBe(40)
  expect(new Int32Array(memory.buffer, lastWord, 1)[0]).toBe(42)
})

test('instantiation leaves every byte of a live memory as it was', async () => {
  const memory = sharedMemory()
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(0xa5, 0, 1 << 20)
  await abiVersionOver(await coreModule(), memory)
  expect(bytes.subarray(0, 1 << 20).every((byte) => byte === 0xa5)).toBe(true)
})

test('what a thread throws reaches the caller', async () => {
  await using thread = await startThread(new URL('./core.thread.ts', import.meta.url))
  await expect(thread.call('nothing')).rejects.toThrow('serves no function named nothing')
})
