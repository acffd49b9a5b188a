/** `isopage/inspect`: what shows a kernel. A live view for pages, and the text of `ipcs` for terminals. */

export {
  type IpcKind,
  type IpcsFormat,
  type IpcsTextOptions,
  type IpcsUnit,
  ipcsText,
  ipcText,
  type Names,
} from './ipcs-text.js'
export type { Run as PageRun } from './page-map.js'
export { type InspectView, inspectView, type ViewOptions } from './view.js'
