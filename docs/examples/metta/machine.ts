/**
 * The machine that evaluates: an atom to evaluate, or a value to give back; frames that wait for a value; alternatives that are
 * left to try. All three are objects on the heap, so that depth is bounded by a budget and never by the stack of calls.
 *
 * 1. Results come depth first, in the order of the rules: that of a program that tries each rule in turn.
 * 2. A frame may be resumed many times, once for each value of what it waits for. It is changed in place only where no alternative
 *    is left that could resume it again.
 * 3. Nothing here depends on time or on what else the thread has done, so that steps, results and errors are the same everywhere.
 */
import { evaluateExpression } from "./apply.ts"
import { type Atom, deref, emptySymbol, type Expression, expressionKind, isGround, resolved } from "./atoms.ts"
import { beginWork, count, LimitReached, type Limits, work } from "./budget.ts"
import { Alternative, type Found, Frame, type Trace } from "./frames.ts"
import { Bindings } from "./match.ts"
import type { Entry, Origin, Space } from "./space.ts"
import type { World } from "./world.ts"

/** An evaluation tried to change the world, where it may not. */
export class ChangeRefused extends Error {}

/** Says how an evaluation runs. */
export interface Running {
  readonly limits: Limits
  readonly origin: Origin
  /** Whether it may change the world. Default: no. */
  readonly mayChange?: boolean
  /** Whether it notes the rules that it applies. Default: no. */
  readonly traces?: boolean
  /** The part of the evaluation that is asked for. Default: all of it. */
  readonly part?: Part
  /** The steps after which the rest is handed out in parts, if it can be. Default: never. */
  readonly splitAfter?: number
}

/**
 * A part of an evaluation: the alternative that is taken at each choice on the way, and then all results from there. With `andRest`, the
 * further alternatives of the last choice belong to it, too.
 */
export interface Part {
  readonly path: ReadonlyArray<number>
  readonly andRest: boolean
}

/** Results, and the parts that have the results after them, in order. */
export interface Evaluated {
  readonly found: ReadonlyArray<Found>
  readonly parts: ReadonlyArray<Part>
}

/** An evaluation is split into at most this many parts at a time. */
const partsAtOnce = 16

/** Numbers evaluations, so that none trusts a note that another left on an atom. */
let evaluations = 0

export class Machine {
  readonly bindings = new Bindings()
  readonly world: World
  readonly space: Space
  readonly origin: Origin
  readonly mayChange: boolean
  /** The number under which expressions note that they are in normal form; a change of the world gives a new one. */
  stamp: number
  trace: Trace | undefined = undefined
  readonly found: Array<Found> = []
  private readonly traces: boolean
  private readonly deepest: number
  private next: "evaluate" | "give" | "fail" = "fail"
  private atom: Atom = emptySymbol
  private frame: Frame | undefined = undefined
  private readonly alternatives: Array<Alternative> = []
  private changeCount = 0
  private isOver = false
  /** The alternative that was taken at each choice of the branch, as far as choices can be taken elsewhere. */
  private readonly path: Array<number> = []
  private barriers = 0
  private readonly part: Part
  /** The number of alternatives to pass over before the machine goes on, and the choice that they belong to. */
  private passing = 0
  private passed: Alternative | undefined = undefined
  private splitAt: number
  private readonly splitAfter: number

  constructor(world: World, { limits, origin, mayChange, traces, part, splitAfter }: Running) {
    this.world = world
    this.space = world.self
    this.origin = origin
    this.mayChange = mayChange ?? false
    this.traces = traces ?? false
    this.deepest = limits.depth
    this.stamp = ++evaluations
    this.part = part ?? { path: [], andRest: false }
    this.splitAfter = splitAfter ?? Number.POSITIVE_INFINITY
    this.splitAt = this.splitAfter
  }

  // --------------------------------------------------------------------------------------------- what operations call

  /** Goes on with the evaluation of an atom, for the frame on top. */
  evaluate(atom: Atom): void {
    this.next = "evaluate"
    this.atom = atom
  }

  /** Gives a value to the frame on top. The value `Empty` is none: the branch has no result. */
  give(value: Atom): void {
    this.next = value === emptySymbol ? "fail" : "give"
    this.atom = value
  }

  /** Evaluates the atom, or gives it as it is. */
  giveOr(evaluates: boolean, atom: Atom): void {
    if (evaluates) this.evaluate(atom)
    else this.give(atom)
  }

  push(frame: Frame): void {
    const depth = this.frame === undefined ? 1 : this.frame.depth + 1
    if (depth > this.deepest) throw new LimitReached("DepthLimit", this.deepest)
    frame.next = this.frame
    frame.depth = depth
    this.frame = frame
  }

  /** Ends the branch: the machine goes back to the newest alternative. */
  fail(): void {
    this.next = "fail"
  }

  /** Notes an alternative. `trail` is the position of the bindings to go back to, if it is not the present one. */
  note(alternative: Alternative, trail = this.bindings.position, before = this.bindings.mark): void {
    if (this.alternatives.length >= this.deepest) throw new LimitReached("DepthLimit", this.deepest)
    alternative.frame = this.frame
    alternative.trail = trail
    alternative.before = before
    alternative.trace = this.trace
    alternative.mark = this.bindings.protect()
    alternative.position = this.path.length
    this.alternatives.push(alternative)
    if (alternative.isBarrier) this.barriers += 1
    else if (this.barriers === 0 && this.passing === 0 && this.alternatives.length > 1) this.enterPath(alternative)
  }

  /** Forgets the newest alternative. */
  forget(): void {
    const newest = this.alternatives.pop()
    if (newest === undefined) return
    this.bindings.mark = newest.before
    if (newest.isBarrier) this.barriers -= 1
  }

  /** The newest alternative. */
  get newest(): Alternative | undefined {
    return this.alternatives.at(-1)
  }

  /** Notes that a rule was applied. */
  applied(entry: Entry, goal: Expression): void {
    if (this.traces) this.trace = { entry, goal: resolvedGoal(goal), earlier: this.trace }
  }

  /** Notes the rules that led to results which were collected. */
  joinTraces(traces: ReadonlyArray<Trace | undefined>): void {
    if (!this.traces) return
    const before = this.trace
    for (const trace of traces) {
      const added: Array<Trace> = []
      for (let each = trace; each !== before && each !== undefined; each = each.earlier) added.push(each)
      for (const { entry, goal } of added.reverse()) this.trace = { entry, goal, earlier: this.trace }
    }
  }

  /** Fails with `ChangeRefused` where the world may not change; else the normal forms of before count no longer. */
  changing(): void {
    if (!this.mayChange) throw new ChangeRefused()
    this.stamp = ++evaluations
    this.changeCount += 1
  }

  /** Whether this evaluation found that no rule applies to an expression, and nothing has changed since. */
  isNormal(atom: Expression): boolean {
    return atom.normalIn === this.stamp && (atom.isGround || atom.normalAt === this.bindings.turn)
  }

  setNormal(atom: Expression): void {
    atom.normalIn = this.stamp
    atom.normalAt = this.bindings.turn
  }

  // ------------------------------------------------------------------------------------------------------ the machine

  /** Evaluates an atom to all of its results, or splits. Throws `LimitReached`, and `ChangeRefused`. */
  run(atom: Atom): Evaluated {
    this.note(new Last())
    this.push(new Root())
    this.evaluate(atom)
    while (!this.isOver) {
      this.step()
      if (work.steps < this.splitAt) continue
      const split = this.split()
      if (split !== undefined) return split
      this.splitAt = work.steps + this.splitAfter
    }
    return { found: this.found, parts: [] }
  }

  end(): void {
    this.isOver = true
  }

  private step(): void {
    count(1)
    if (this.passing > 0) {
      this.passing -= 1
      while (this.newest !== this.passed) this.forget()
      this.goBack()
    } else if (this.next === "evaluate") {
      const atom = deref(this.atom)
      if (atom.kind !== expressionKind || this.isNormal(atom)) this.give(atom)
      else evaluateExpression(this, atom)
    } else if (this.next === "give") {
      const frame = this.frame
      if (frame === undefined) throw new Error("a value came that nobody waits for")
      this.frame = frame.next
      frame.resume(this, this.atom)
    } else this.goBack()
  }

  private goBack(): void {
    const newest = this.alternatives.at(-1)
    if (newest === undefined) throw new Error("a branch failed before it began")
    this.bindings.undo(newest.trail)
    this.frame = newest.frame
    this.trace = newest.trace
    this.path.length = newest.position
    if (newest.isCut && this.passing === 0 && newest.taken === this.part.path[newest.position]) {
      this.forget()
      this.fail()
      return
    }
    if (newest.isOnPath) {
      newest.taken += 1
      newest.foundBefore = this.found.length
      this.path.push(newest.taken)
    }
    newest.retry(this)
  }

  /** Puts a choice on the path. Where the path is given, the alternatives before the one that it names are passed over. */
  private enterPath(alternative: Alternative): void {
    const { path, andRest } = this.part
    const asked = path[this.path.length]
    alternative.isOnPath = true
    alternative.foundBefore = this.found.length
    if (asked !== undefined) {
      this.passing = asked
      this.passed = alternative
      alternative.isCut = !(andRest && this.path.length === path.length - 1)
    }
    this.path.push(0)
  }

  /** The parts that are left: the branch of the oldest open choices, then what is left of each of them, the newest first. */
  private split(): Evaluated | undefined {
    const open = this.alternatives.filter(({ isOnPath, isCut }) => isOnPath && !isCut).slice(0, partsAtOnce - 1)
    const newest = open.at(-1)
    if (newest === undefined || this.passing > 0) return undefined
    const parts: Array<Part> = [{ path: this.path.slice(0, newest.position + 1), andRest: false }]
    for (const { position, taken } of open.reverse())
      parts.push({ path: [...this.path.slice(0, position), taken + 1], andRest: true })
    // Results may have variables to which the present branch gave values.
    this.bindings.undo(0)
    return { found: this.found.slice(0, newest.foundBefore), parts }
  }
}

const resolvedGoal = (goal: Expression): Expression => {
  const atom = resolved(goal)
  return atom.kind === expressionKind ? atom : goal
}

/** Keeps a result of the whole evaluation, and asks for the next one. */
class Root extends Frame {
  resume(machine: Machine, value: Atom): void {
    machine.found.push({ atom: isGround(value) ? value : resolved(value), trace: machine.trace })
    machine.fail()
  }
}

/** The alternative below all others: there are no more results. */
class Last extends Alternative {
  retry(machine: Machine): void {
    machine.end()
  }
}

/** Evaluates an atom in a world, and counts the steps from zero. */
export const evaluateIn = (world: World, atom: Atom, running: Running): Evaluated => {
  beginWork(running.limits.steps)
  return new Machine(world, running).run(atom)
}
