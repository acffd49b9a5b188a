/** Computes at some place of a function what the walk (flow.ts) knows of values: from the locals that hold them there. */
import { ADD, type Code, SHL, SUB } from './code.js'
import type { Flow } from './flow.js'
import { DIFFERENCE, LEAF, SHIFT, SUM } from './values.js'

const MUL = 0x6c

/** Whether a node can be computed where there were so many events before: all of its leaves are held. */
export function isHeld(flow: Flow, events: number, node: number): boolean {
  const { values, locals } = flow
  if (locals.holder(node, events) >= 0) return true
  const kind = values.kinds[node] as number
  if (kind === LEAF || !isHeld(flow, events, values.first[node] as number)) return false
  return kind >= SHIFT || isHeld(flow, events, values.second[node] as number)
}

/** Leaves node + at on the stack, at a place where the node is held. */
export function writeAddress(
  code: Code,
  flow: Flow,
  events: number,
  node: number,
  at: number,
): void {
  const { values, locals } = flow
  const event = locals.holder(node, events)
  if (event >= 0) {
    const distance = (at - locals.distanceOf(event)) | 0
    code.get(locals.localOf(event))
    if (distance !== 0) code.const(distance).op(ADD)
    return
  }
  const kind = values.kinds[node] as number
  const second = values.second[node] as number
  if (kind === LEAF) throw new Error('a node that no local holds')
  writeAddress(code, flow, events, values.first[node] as number, 0)
  if (kind === SUM || kind === DIFFERENCE) {
    writeAddress(code, flow, events, second, 0)
    code.op(kind === SUM ? ADD : SUB)
  } else code.const(second).op(kind === SHIFT ? SHL : MUL)
  if (at !== 0) code.const(at).op(ADD)
}
