/** A page as a user would write it: the kernel found by its URL and given as bytes, a file below OPFS, and C that is compiled in it and run as two processes. */

import { boot, O, opfs } from 'isopage'
import { compile } from 'isopage/cc'
import { coreBytes } from 'isopage/core-bytes'
import { inspectView } from 'isopage/inspect'
import source from './shares.c?raw'

async function roundTrip(options) {
  const kernel = await boot({ memory: '64MiB', ...options })
  const p = kernel.process()
  const fd = await p.promises.open('/files/page.bin', O.CREAT | O.RDWR)
  await p.promises.ftruncate(fd, 4096)
  const map = await p.promises.mmap({ fd, length: 4096 })
  inspectView(kernel, document.body)
  await map.promises.write(100, new TextEncoder().encode('seen'))
  await map.promises.sync()
  const into = new Uint8Array(4)
  await p.promises.pread(fd, into, 100)
  await kernel.close()
  return new TextDecoder().decode(into)
}

/** => what each of the two processes says. */
async function twoProcesses() {
  const made = await compile({ 'shares.c': source }, ['-O1', 'shares.c', '-o', 'shares.wasm'])
  const kernel = await boot({ memory: '64MiB' })
  const said = { first: '', second: '' }
  const starting = Object.keys(said).map((name) =>
    kernel.run(made.files['shares.wasm'], {
      args: ['shares', name],
      stdout: (bytes) => {
        said[name] += new TextDecoder().decode(bytes.slice())
      },
    }),
  )
  const guests = await Promise.all(starting)
  await Promise.all(guests.map(({ exited }) => exited))
  await kernel.close()
  return said
}

const mounts = { '/files': opfs('isopage-package') }
try {
  const byUrl = await roundTrip({ mounts })
  const byBytes = await roundTrip({ mounts, core: coreBytes })
  globalThis.result = { byUrl, byBytes, said: await twoProcesses() }
} catch (error) {
  globalThis.result = { error: `${error.stack ?? error}` }
}
