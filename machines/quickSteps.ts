/**
 * Short steps of a statechart: the same snapshots, without the general procedure.
 *
 * XState takes every step by the algorithm of SCXML: it computes the states to leave and to enter, the transitions that
 * exclude each other, and the transitions that may follow without an event. That takes four to five microseconds for an event,
 * and a job sends four events in a cycle, each of which only goes on from one phase to the next. The outcome of such a step
 * stands in the machine's own nodes: the first transition of the state whose guard holds leads to a sibling, neither of the
 * two states has anything to do on entry or exit, and the actions assign to the context. XState does everything else.
 * The first snapshot costs as much as two steps, and is the same for every actor but for its context.
 *
 * Invariants: the machine decides, by its guards in their order, its assignments and its targets; this file knows no particular
 * machine. A snapshot is the same, field by field, as the one that XState makes (test/machine/quickSteps.test.ts sends every
 * event in every state). Boundary: the only file that reads XState's nodes.
 */
import type { AnyActorScope, AnyStateMachine, AnyStateNode, EventObject, MachineContext, StateValue } from "xstate"

interface StepArgs {
  readonly context: MachineContext
  readonly event: EventObject
}

type Guard = (args: StepArgs) => boolean
type Assignment = (args: StepArgs) => Partial<MachineContext>

/** A transition of a state, as far as its guard and its step are plain. */
interface Candidate {
  readonly guard: Guard
  /** Undefined if only XState can take it. */
  readonly step: ShortStep | undefined
}

interface ShortStep {
  readonly assignments: ReadonlyArray<Assignment>
  /** Undefined if the machine stays where it is. */
  readonly target: { readonly value: StateValue; readonly nodes: ReadonlyArray<AnyStateNode> } | undefined
}

/** The transitions of one state for one type of event, in order. */
type Candidates = ReadonlyArray<Candidate>

type Snapshot = ReturnType<AnyStateMachine["transition"]>

/** A machine of the same definition that takes short steps where it can. Inspectors do not see its microsteps. */
export const withQuickSteps = <M extends AnyStateMachine>(original: M): M => {
  const machine = original.provide({}) as M
  // Several states may be active at a time, or history counts, or events are matched by patterns: XState takes every step.
  if (nodesOf(machine.root).some(isGeneral)) return machine
  const general = machine.transition.bind(machine)
  const known = new Map<AnyStateNode, Map<string, Candidates>>()

  const candidatesOf = (leaf: AnyStateNode, type: string): Candidates => {
    let ofLeaf = known.get(leaf)
    if (ofLeaf === undefined) known.set(leaf, (ofLeaf = new Map()))
    let candidates = ofLeaf.get(type)
    if (candidates === undefined) ofLeaf.set(type, (candidates = shortSteps(machine, leaf, type)))
    return candidates
  }

  const transition = (snapshot: Snapshot, event: EventObject, scope: AnyActorScope): Snapshot => {
    // Without parallel states, the active states are a line from the root to the leaf.
    const leaf: AnyStateNode = snapshot._nodes.at(-1)!
    if (snapshot.status !== "active" || leaf.type !== "atomic") return general(snapshot, event, scope)
    const args: StepArgs = { context: snapshot.context as MachineContext, event }
    // An actor may be sent any event, but only the machine's own events have an entry in `known`, so it stays bounded.
    if (!leaf.transitions.has(event.type)) return general(snapshot, event, scope)
    for (const { guard, step } of candidatesOf(leaf, event.type)) {
      if (!guard(args)) continue
      if (step === undefined) break
      return stepped(snapshot, event, step)
    }
    return general(snapshot, event, scope)
  }
  return Object.assign(machine, { transition, getInitialSnapshot: shortStart(machine) })
}

/** Makes first snapshots. XState makes the first one; the others are copies of it with a context of their own. */
const shortStart = (machine: AnyStateMachine): AnyStateMachine["getInitialSnapshot"] => {
  const general = machine.getInitialSnapshot.bind(machine)
  const { context: contextOf } = machine.config
  const { entry, initial, invoke, tags } = machine.root
  const first = initial?.target[0]
  const isShort =
    typeof contextOf === "function" &&
    entry.length + invoke.length + tags.length + (initial?.actions.length ?? 0) === 0 &&
    first !== undefined &&
    isSilent(first) &&
    first.parent === machine.root
  if (!isShort) return general
  let template: Snapshot | undefined
  return (scope, input) => {
    if (template === undefined) {
      const made = general(scope, input)
      // The template keeps nothing of the first actor.
      if (made.status === "active") template = { ...made, context: {} }
      return made
    }
    let context: MachineContext
    try {
      context = { ...contextOf({ spawn: noSpawn, input, self: scope.self }) }
    } catch {
      return general(scope, input)
    }
    return { ...template, context, tags: new Set(), children: {}, historyValue: {} }
  }
}

/** Leaves a context with actors in it to XState: it throws, and the short start is given up. */
const noSpawn = (): never => {
  throw new Error("not in a short start")
}

const stepped = (snapshot: Snapshot, event: EventObject, { assignments, target }: ShortStep): Snapshot => {
  let context = snapshot.context as MachineContext
  for (const assign of assignments) context = { ...context, ...assign({ context, event }) }
  // A snapshot's methods are fields of it, so a copy has them.
  if (target === undefined) return { ...snapshot, context }
  return { ...snapshot, context, value: target.value, _nodes: target.nodes as Array<AnyStateNode> }
}

const nodesOf = (node: AnyStateNode): ReadonlyArray<AnyStateNode> => [
  node,
  ...Object.values(node.states).flatMap(nodesOf)
]

const isGeneral = (node: AnyStateNode): boolean =>
  node.type === "parallel" ||
  node.type === "history" ||
  node.always !== undefined ||
  [...node.transitions.keys()].some((type) => type.includes("*"))

const isSilent = ({ entry, exit, invoke, tags, type }: AnyStateNode): boolean =>
  type === "atomic" && entry.length + exit.length + invoke.length + tags.length === 0

const lineOf = (node: AnyStateNode): ReadonlyArray<AnyStateNode> =>
  node.parent === undefined ? [node] : [...lineOf(node.parent), node]

const valueOf = (node: AnyStateNode, inner?: StateValue): StateValue => {
  if (node.parent === undefined) return inner!
  return valueOf(node.parent, inner === undefined ? node.key : Object.freeze({ [node.key]: inner }))
}

const shortSteps = (machine: AnyStateMachine, leaf: AnyStateNode, type: string): Candidates =>
  (leaf.transitions.get(type) ?? []).map(({ actions, guard, reenter, target: targets = [] }): Candidate => {
    const plainGuard = guard === undefined ? always : guardOf(machine, guard)
    // Only XState can tell whether this guard holds, so it decides from here on.
    if (plainGuard === undefined) return { guard: always, step: undefined }
    const assignments = actions.flatMap((action) => assignmentOf(machine, action) ?? [])
    const target = targets[0]
    const isPlain = assignments.length === actions.length && targets.length < 2 && !reenter
    if (isPlain && target === undefined) return { guard: plainGuard, step: { assignments, target } }
    const isShort = isPlain && isSilent(leaf) && isSilent(target!) && target!.parent === leaf.parent && target !== leaf
    if (!isShort) return { guard: plainGuard, step: undefined }
    return { guard: plainGuard, step: { assignments, target: { value: valueOf(target!), nodes: lineOf(target!) } } }
  })

const always: Guard = () => true

const guardOf = (machine: AnyStateMachine, guard: unknown): Guard | undefined => {
  if (typeof guard !== "string") return undefined
  const found: unknown = machine.implementations.guards[guard]
  return typeof found === "function" && !("check" in found) ? (found as Guard) : undefined
}

const assignmentOf = (machine: AnyStateMachine, action: unknown): Assignment | undefined => {
  const name =
    typeof action === "object" && action !== null && "type" in action && !("params" in action) ? action.type : action
  if (typeof name !== "string") return undefined
  const found: unknown = machine.implementations.actions[name]
  if (typeof found !== "function" || !("type" in found) || found.type !== "xstate.assign") return undefined
  if (!("assignment" in found)) return undefined
  const { assignment } = found
  if (typeof assignment === "function") return assignment as Assignment
  // Assignments by field are short only if they assign values, not functions.
  if (typeof assignment !== "object" || assignment === null) return undefined
  const fields = { ...assignment }
  return Object.values(fields).some((value) => typeof value === "function") ? undefined : () => fields
}
