/** All results of an evaluation as one list. What they bind is undone. */
import { type Atom, isGround, resolved } from "./atoms.ts"
import { Alternative, Then, type Trace } from "./frames.ts"
import type { Machine } from "./machine.ts"

/** Below the evaluation whose results are collected: when there are no more, the whole list is next. */
class Collected extends Alternative {
  override readonly isBarrier = true
  readonly results: Array<Atom> = []
  readonly traces: Array<Trace | undefined> = []
  private readonly goOn: (machine: Machine, results: ReadonlyArray<Atom>) => void

  constructor(goOn: (machine: Machine, results: ReadonlyArray<Atom>) => void) {
    super()
    this.goOn = goOn
  }

  retry(machine: Machine): void {
    machine.forget()
    machine.joinTraces(this.traces)
    this.goOn(machine, this.results)
  }
}

/** Goes on with the list of all results of an atom. */
export const collapse = (
  machine: Machine,
  atom: Atom,
  then: (machine: Machine, results: ReadonlyArray<Atom>) => void
): void => {
  const collected = new Collected(then)
  machine.note(collected)
  machine.push(
    new Then((at, value) => {
      collected.traces.push(at.trace)
      collected.results.push(isGround(value) ? value : resolved(value))
      at.fail()
    })
  )
  machine.evaluate(atom)
}
