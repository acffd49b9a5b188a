/** A page as a user would write it: the kernel found by its URL and given as bytes, and a file below OPFS. */

import { boot, O, opfs } from 'isopage'
import { coreBytes } from 'isopage/core-bytes'
import { inspectView } from 'isopage/inspect'

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

const mounts = { '/files': opfs('isopage-package') }
try {
  const byUrl = await roundTrip({ mounts })
  const byBytes = await roundTrip({ mounts, core: coreBytes })
  globalThis.result = { byUrl, byBytes }
} catch (error) {
  globalThis.result = { error: `${error.stack ?? error}` }
}
