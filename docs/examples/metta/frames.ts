/** The parts of a machine that wait: frames for a value, alternatives for their turn. */
import type { Atom, Expression } from "./atoms.ts"
import type { Machine } from "./machine.ts"
import type { Entry } from "./space.ts"

/** Waits for a value. */
export abstract class Frame {
  /** The frame that waits for the value of this one. It and the depth are set when the frame is pushed. */
  next: Frame | undefined = undefined
  depth = 0

  abstract resume(machine: Machine, value: Atom): void
}

/** An alternative that is left to try: what a machine goes back to when a branch has no result. */
export abstract class Alternative {
  frame: Frame | undefined = undefined
  trail = 0
  mark = 0
  before = 0
  trace: Trace | undefined = undefined
  /** Whether it collects or watches what comes above it, so that no part of that can be evaluated elsewhere. */
  readonly isBarrier: boolean = false
  /** The length of the machine's path when it was noted; its choice, if it has one on the path, is there. */
  position = 0
  isOnPath = false
  /** The alternatives that were left for this one, and the results that there were before it. */
  taken = 0
  foundBefore = 0
  /** Whether its further alternatives are evaluated elsewhere. */
  isCut = false

  /** Goes on with the alternative. The machine is as it was when the alternative was noted, and the alternative is still there. */
  abstract retry(machine: Machine): void
}

/** The rules that a branch has applied, newest first. */
export interface Trace {
  readonly entry: Entry
  readonly goal: Expression
  readonly earlier: Trace | undefined
}

/** A result, and the rules that led to it. */
export interface Found {
  readonly atom: Atom
  readonly trace: Trace | undefined
}

/** A frame that goes on with a function. */
export class Then extends Frame {
  private readonly goOn: (machine: Machine, value: Atom) => void

  constructor(goOn: (machine: Machine, value: Atom) => void) {
    super()
    this.goOn = goOn
  }

  resume(machine: Machine, value: Atom): void {
    this.goOn(machine, value)
  }
}
