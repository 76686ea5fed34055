/** Applies the rules of a space to an expression: each that matches, in the order of their definition. */
import { type Atom, deref, type Expression, variableKind } from "./atoms.ts"
import { type Application, irreducible, withItems } from "./arguments.ts"
import { count } from "./budget.ts"
import { Alternative } from "./frames.ts"
import type { Machine } from "./machine.ts"
import { type Environment, instantiate, match, mayMatch } from "./match.ts"
import type { Entry } from "./space.ts"
import { isKept } from "./types.ts"

/** An expression whose head has no type: all of its parts are evaluated, then a rule for the whole is looked for. */
export const tuple: Application = {
  evaluates: () => true,
  apply: (machine, atom, values) => applyRules(machine, atom, values, undefined)
}

/** An expression to which rules are applied, and the type of the results, if it has one. */
interface Call {
  readonly atom: Expression
  readonly values: ReadonlyArray<Atom>
  readonly candidates: ReadonlyArray<Entry>
  readonly moment: number
  readonly result: Atom | undefined
  /** Whether results are evaluated further. */
  readonly goesOn: boolean
}

export const applyRules = (
  machine: Machine,
  atom: Expression,
  values: ReadonlyArray<Atom>,
  result: Atom | undefined
): void => {
  const call = callOf(machine, atom, values, result, true)
  if (call === undefined || !tryRules(machine, call, 0, undefined)) machine.give(irreducible(machine, atom, values))
}

/** The call of an expression with these items; undefined where no rule can be looked for. */
export const callOf = (
  machine: Machine,
  atom: Expression,
  values: ReadonlyArray<Atom>,
  result: Atom | undefined,
  goesOn: boolean
): Call | undefined => {
  const head = values[0] === undefined ? undefined : deref(values[0])
  // A head that is not known yet would match every rule.
  if (head === undefined || head.kind === variableKind) return undefined
  const candidates = machine.space.rules(head, values[1])
  return { atom, values, candidates, moment: machine.space.clock, result, goesOn }
}

/** Applies the next rule that matches, from a candidate on. Answers whether there was one. `noted` is the call's own alternative. */
export const tryRules = (machine: Machine, call: Call, from: number, noted: RuleAlternative | undefined): boolean => {
  const { bindings } = machine
  const { position, mark } = bindings
  bindings.attempt()
  let next = nextCandidate(machine, call, from)
  while (next !== -1) {
    const entry = call.candidates[next] as Entry
    // Before the match, which may give values to variables of the call.
    next = nextCandidate(machine, call, next + 1)
    const environment = matchRule(machine, entry, call.values)
    if (environment === undefined) {
      bindings.undo(position)
      continue
    }
    if (next === -1) {
      bindings.settle(position, noted === undefined ? mark : noted.before)
      if (noted !== undefined) machine.forget()
    } else if (noted === undefined) {
      machine.note(new RuleAlternative(call, next), position, mark)
      bindings.settle(position, bindings.mark)
    } else {
      noted.from = next
      bindings.settle(position, mark)
    }
    applyRule(machine, call, entry, environment)
    return true
  }
  bindings.settle(position, mark)
  return false
}

const applyRule = (
  machine: Machine,
  { atom, values, result, goesOn }: Call,
  entry: Entry,
  environment: Environment
): void => {
  machine.applied(entry, withItems(atom, values))
  const body = instantiate((entry.rule as NonNullable<Entry["rule"]>).body, environment, machine.bindings)
  machine.giveOr(goesOn && (result === undefined || !isKept(result, body)), body)
}

/** The next candidate that is there and whose outermost parts match; -1 for none. */
const nextCandidate = (machine: Machine, { candidates, moment, values }: Call, from: number): number => {
  for (let i = from; i < candidates.length; i++) {
    const entry = candidates[i] as Entry
    if (!machine.space.isThere(entry, moment)) continue
    count(1)
    const left = entry.rule?.left.items
    if (left === undefined || left.length !== values.length) continue
    let may = true
    for (let k = 0; may && k < left.length; k++) may = mayMatch(left[k] as Atom, values[k] as Atom)
    if (may) return i
  }
  return -1
}

const matchRule = (machine: Machine, entry: Entry, values: ReadonlyArray<Atom>): Environment | undefined => {
  const left = (entry.rule as NonNullable<Entry["rule"]>).left.items
  const environment: Environment = entry.slots === 0 ? [] : new Array<Atom | undefined>(entry.slots)
  for (let i = 0; i < left.length; i++)
    if (!match(left[i] as Atom, values[i] as Atom, environment, machine.bindings)) return undefined
  return environment
}

/** The rules of a call that were not tried yet. */
class RuleAlternative extends Alternative {
  private readonly call: Call
  from: number

  constructor(call: Call, from: number) {
    super()
    this.call = call
    this.from = from
  }

  retry(machine: Machine): void {
    if (tryRules(machine, this.call, this.from, this)) return
    machine.forget()
    machine.fail()
  }
}
