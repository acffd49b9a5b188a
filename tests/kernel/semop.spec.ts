import { EAGAIN, ERANGE, ETIMEDOUT } from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { IPC_NOWAIT, SEM_SETVAL, SEM_UNDO } from '../../assembly/ipcabi'
import { Process } from '../../assembly/process'
import { sysSemop } from '../../assembly/semop'
import { Wait } from '../../assembly/wait'
import { bootSpec, checkAll, spawn } from './support/boot'
import { below, reseed } from './support/random'
import { checked, control, end, make, park, remove, stage, values } from './support/sems'
import { deathsPlayed, dieAtEveryPush } from './support/transactions'

bootSpec(1400)

/** Sleepers of the property below: what each wants, and how it ended. */
const SEMS: u32 = 3
const MOST: u32 = 12
const slept = new StaticArray<usize>(MOST)
const wants = new StaticArray<i32>(MOST * 6)
const sizes = new StaticArray<u32>(MOST)
const owners = new StaticArray<i32>(MOST)
const ended = new StaticArray<i32>(MOST)
const model = new StaticArray<i32>(SEMS)
const owed = new StaticArray<i32>(SEMS * 2)
const ASLEEP: i32 = 1

/** What the operations at `from` come to in the model; does them when that is 0. */
function tryModel(from: u32, size: u32, owner: i32): i32 {
  const before = StaticArray.fromArray(model.slice(0))
  const owedBefore = StaticArray.fromArray(owed.slice(0))
  let said = 0
  for (let i = from; i < from + size * 3 && said == 0; i += 3) {
    const num = wants[i]
    const change = wants[i + 1]
    const flags = wants[i + 2]
    const blocked = change == 0 ? model[num] != 0 : model[num] + change < 0
    if (blocked) said = (flags & IPC_NOWAIT) != 0 ? -EAGAIN : ASLEEP
    else if (model[num] + change > 32767) said = -ERANGE
    else {
      model[num] += change
      if ((flags & SEM_UNDO) != 0) owed[owner * SEMS + num] -= change
    }
  }
  if (said == 0) return 0
  for (let i: u32 = 0; i < SEMS; i++) model[i] = before[i]
  for (let i: u32 = 0; i < SEMS * 2; i++) owed[i] = owedBefore[i]
  return said
}

/** Lets the sleepers of the model go on: who only waits for zero first, then in order of arrival; again until none can. */
function settleModel(count: u32): void {
  for (let again = true; again; ) {
    again = false
    for (let pass = 0; pass < 2 && !again; pass++) {
      for (let i: u32 = 0; i < count && !again; i++) {
        if (ended[i] != ASLEEP || alters(i) != (pass == 1)) continue
        const said = tryModel(i * 6, sizes[i], owners[i])
        if (said == ASLEEP) continue
        ended[i] = said
        again = true
      }
    }
  }
}

function alters(index: u32): bool {
  for (let i: u32 = 0; i < sizes[index]; i++) if (wants[index * 6 + i * 3 + 1] != 0) return true
  return false
}

describe('semop', () => {
  it('agrees with a simple model, and a death at any push leaves no trace', () => {
    reseed('semop')
    const processes: StaticArray<Process> = [spawn(), spawn()]
    const id = make(processes[0], SEMS)
    let count: u32 = 0
    const deaths = deathsPlayed()
    for (let step = 0; step < 1500; step++) {
      dieAtEveryPush(step % 8 == 0)
      if (count == MOST || below(40) == 0) {
        while (count > 0) {
          const wait = changetype<Wait>(slept[--count])
          const said = end(wait)
          assert(said == (ended[count] == ASLEEP ? -ETIMEDOUT : ended[count]), 'result')
        }
        if (below(3) == 0) {
          const value = below(4)
          control(processes[0], id, 1, SEM_SETVAL, value)
          model[1] = value
          owed[1] = 0
          owed[SEMS + 1] = 0
        }
      }
      const owner = below(2)
      const at = count * 6
      sizes[count] = 1 + below(2)
      owners[count] = owner
      const size = sizes[count]
      const triples = new StaticArray<i32>(size * 3)
      for (let i: u32 = 0; i < size; i++) {
        wants[at + i * 3] = below(SEMS)
        wants[at + i * 3 + 1] = <i32>below(5) - 2
        wants[at + i * 3 + 2] = (below(4) == 0 ? IPC_NOWAIT : 0) | (below(3) == 0 ? SEM_UNDO : 0)
      }
      for (let i: u32 = 0; i < size * 3; i++) triples[i] = wants[at + i]
      const said = tryModel(at, size, owner)
      if (said == ASLEEP) {
        slept[count] = changetype<usize>(park(processes[owner], id, triples))
        ended[count++] = ASLEEP
        continue
      }
      const n = stage(triples)
      assert(
        checked(sysSemop(processes[owner], id, n, 0, triples[0], triples[1], triples[2])) == said,
      )
      if (said == 0) settleModel(count)
      let text = ''
      for (let i: u32 = 0; i < SEMS; i++) text += `${model[i]} `
      assert(values(processes[0], id) == text.trimEnd(), 'values')
    }
    dieAtEveryPush(false)
    while (count > 0) end(changetype<Wait>(slept[--count]))
    sysExit(processes[1].pid, 0)
    let text = ''
    for (let i: u32 = 0; i < SEMS; i++) text += `${max(model[i] + owed[SEMS + i], 0)} `
    expect(values(processes[0], id)).toBe(text.trimEnd())
    assert(deathsPlayed() > deaths)
    remove(processes[0], id)
    sysExit(processes[0].pid, 0)
    checkAll()
  })
})
