/** Serves bench/, its compiled programs, dist/ and Binaryen to browsers, isolated from other origins as shared memory wants it. */

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { root } from '../scripts/run.js'

const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

const isolation = {
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** @returns {Promise<{ origin: string, end: () => Promise<void> }>} */
export async function startServer() {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const body = await bodyOf(pathname)
    const type = types[extname(pathname)] ?? 'application/octet-stream'
    response.writeHead(body ? 200 : 404, { 'Content-Type': type, ...isolation })
    response.end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    end: () => new Promise((resolve) => server.close(resolve)),
  }
}

async function bodyOf(pathname) {
  if (
    !/^\/(bench|build\/bench-guests|dist|node_modules\/binaryen)\/[\w./-]+$/.test(pathname) ||
    pathname.includes('..')
  )
    return undefined
  return readFile(`${root}${pathname.slice(1)}`).catch(() => undefined)
}
