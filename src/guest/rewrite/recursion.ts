/**
 * Which functions call each other in a circle: a circle is a loop, and a loop must poll.
 *
 * Follows Tarjan, "Depth-first search and linear graph algorithms" (1972), with a stack of its own: a module's calls may go deeper than ours.
 */

/** `callees` of each function by index. => functions such that every circle of two or more leads through one of them */
export function inCircles(callees: readonly (readonly number[])[]): number[] {
  const component = components(callees)
  const found: number[] = []
  callees.forEach((called, index) => {
    // In a circle somebody calls backwards.
    if (called.some((other) => other < index && component[other] === component[index])) {
      found.push(index)
    }
  })
  return found
}

/** => a number for each function: the same for those that reach each other. */
function components(callees: readonly (readonly number[])[]): Int32Array {
  const count = callees.length
  const component = new Int32Array(count).fill(-1)
  const order = new Int32Array(count)
  const lowest = new Int32Array(count)
  const next = new Int32Array(count)
  const open: number[] = []
  const path: number[] = []
  let visited = 0
  const enter = (index: number) => {
    order[index] = lowest[index] = ++visited
    open.push(index)
    path.push(index)
  }
  const lower = (index: number, to: number) => {
    lowest[index] = Math.min(lowest[index] as number, to)
  }
  const leave = (index: number) => {
    path.pop()
    const caller = path[path.length - 1]
    if (caller !== undefined) lower(caller, lowest[index] as number)
    if (lowest[index] !== order[index]) return
    for (let one = -1; one !== index; ) {
      one = open.pop() as number
      component[one] = index
    }
  }
  for (let start = 0; start < count; start++) {
    if (order[start] === 0) enter(start)
    while (path.length > 0) {
      const index = path[path.length - 1] as number
      const called = callees[index] as readonly number[]
      const at = next[index] as number
      if (at === called.length) {
        leave(index)
        continue
      }
      next[index] = at + 1
      const callee = called[at] as number
      if (order[callee] === 0) enter(callee)
      else if (component[callee] === -1) lower(index, order[callee] as number)
    }
  }
  return component
}
