/**
 * Serves the page of the examples: `node examples/server.js [port]`, then open what it prints. A page gets shared memory only
 * with the two headers below, from https or from this machine itself.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}
/** The examples, what they import, and the compiler of c.html. */
const SERVED = /^\/(examples|dist|build\/plugins|node_modules\/@yowasp\/clang\/gen)\/[\w./-]+$/

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  response.setHeader('Content-Type', TYPES[extname(pathname)] ?? 'application/octet-stream')
  try {
    if (pathname === '/') response.writeHead(302, { location: '/examples/index.html' }).end()
    else if (SERVED.test(pathname)) {
      response.end(await readFile(new URL(`..${pathname}`, import.meta.url)))
    } else response.writeHead(404).end()
  } catch {
    response.writeHead(404).end('not found: was it built? npm run build')
  }
})

server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
