/**
 * Where statements begin and end: the places of a function where nothing of the block around is on the operand stack. Flat arrays, in the order
 * of the instructions, that are used again for the next function.
 *
 * Invariant: the places of one arm of a block have one number; what lies between two of them that follow each other is one statement, with all
 * blocks inside of it whole.
 */
export class Places {
  count = 0
  /** Arms so far. */
  frames = 0
  /** The instruction that comes next, the arm, how many frames are open. */
  instruction = new Int32Array(1024)
  frame = new Int32Array(1024)
  depth = new Int32Array(1024)
  /** How many events of locals, values and accesses there were before. */
  events = new Int32Array(1024)
  leaves = new Int32Array(1024)
  sites = new Int32Array(1024)
  /** How many loops began before. */
  loops = new Int32Array(1024)
  /** 1 when nothing behind it in its arm can be reached. */
  over = new Int32Array(1024)

  begin(): void {
    this.count = 0
    this.frames = 0
  }

  /** Adds a place; `over`: nothing behind it in its arm can be reached. */
  add(at: { instruction: number; frame: number; depth: number; over: boolean }): number {
    if (this.count === this.instruction.length) this.grow()
    const place = this.count++
    this.instruction[place] = at.instruction
    this.frame[place] = at.frame
    this.depth[place] = at.depth
    this.over[place] = at.over ? 1 : 0
    return place
  }

  private grow(): void {
    const names = [
      'instruction',
      'frame',
      'depth',
      'events',
      'leaves',
      'sites',
      'loops',
      'over',
    ] as const
    for (const name of names) {
      const to = new Int32Array(this.count * 2)
      to.set(this[name])
      this[name] = to
    }
  }
}
