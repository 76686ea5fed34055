/**
 * A program that answers from a recording: what reaches outside of the process is played, the rest runs.
 *
 *     fiber agents ── the effect, or the failure, of the same task in the recording
 *     intents ─────── the answer to the same intent in the recording, of handlers and of child jobs
 *     CPU agents, joins, folds, invariants, output ── run
 *
 * A task is the same if agent and fact are. If it executed more than once, the cycle decides, and else how often it has executed
 * by then. Boundary: wraps a program; runs nothing.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { childHandler, handler, type HandledIntent } from "../intents/IntentHandler.ts"
import type * as Engine from "../engine/Engine.ts"
import { TimedOut } from "../job/taskFailure.ts"
import { reviveCause } from "../journal/causes.ts"
import type { IntentRef } from "../program/AgentEffect.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { compiledOf, type CompiledProgram, type ErasedAgent, type ErasedKind } from "../program/erased.ts"
import type { Fact, FactRef, Kind } from "../program/Fact.ts"
import { intentKey, refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import type { View } from "../program/View.ts"
import { canonicalText } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import type { RecordedAnswer, RecordedProposal, RecordedTask, Recording } from "./recording.ts"
import { withAgents } from "./shuffle.ts"

/** A program that needs no services: its fiber agents answer from a recording. */
export type RecordedProgram<P extends Program.Any> =
  P extends Program<infer Name, infer I, infer O, infer E, infer _R, infer K, infer S, infer HasSchema>
    ? Program<Name, I, O, E, never, K, S, HasSchema>
    : never

/** A program and the handlers of its intents, which answer from a recording. */
export interface Recorded<P extends Program.Any> {
  readonly program: RecordedProgram<P>
  /** For `handlers` of `Testing.layer` or `Engine.layer`. */
  readonly handlers: ReadonlyArray<Engine.Handler<never, string>>
}

/**
 * Makes a program whose fiber agents give what they gave in a recorded job, and handlers that do the same for its intents. So a
 * test of a pipeline asks no model, sends nothing and pays nothing. CPU agents, joins and folds run. Child jobs are not started:
 * their results are the recorded ones.
 *
 * A task without a recorded answer panics, and an intent without one fails; both say which it is. An effect that was discarded
 * for a conflict or a budget is in no journal, so its task has no answer either.
 */
export const recorded = <P extends Program.Any>(program: P, recording: Recording): Recorded<P> => {
  const { handlers, program: played } = playedFrom(program, recording, {
    noTask: (missing) => Effect.die(new Error(`${missing.why}: record a job that executes it`)),
    noAnswer: (missing) => Effect.die(new Error(`${missing.why}: record a job that asks for it`))
  })
  // Only the services are gone: no fiber agent of its own executes.
  return { program: played as RecordedProgram<P>, handlers }
}

/** A task, or an intent of one, for which a recording has no answer. */
export interface Unanswered {
  readonly agent: string
  readonly each: FactRef | undefined
  readonly cycle: number
  /** The kind of the intent; "" for a task. */
  readonly intent: string
  /** A sentence that says it. */
  readonly why: string
}

/** The effects that run where a recording has no answer, and before each task. */
export interface OnMissing {
  readonly noTask: (missing: Unanswered) => Effect.Effect<unknown>
  readonly noAnswer: (missing: Unanswered, intent: HandledIntent) => Effect.Effect<unknown>
  /** Kinds of intents that are answered though the recording has none of them. Default: none. */
  readonly kinds?: ReadonlyArray<string>
  /** A task whose effect was discarded, so that no journal has it. Default: `noTask`. */
  readonly discarded?: (missing: Unanswered) => Effect.Effect<unknown>
  /** Is called with each task that answers. Default: it is not. */
  readonly answered?: (agent: string, each: FactRef | undefined) => void
  /** Is called with each item of the recording that is asked for. Default: it is not. */
  readonly used?: (item: RecordedTask | RecordedAnswer) => void
  /** Runs before a played task of a cycle answers. Default: nothing does. */
  readonly before?: (cycle: number) => Effect.Effect<void>
}

/** Makes the program and the handlers, with what happens where the recording has no answer. */
export const playedFrom = (program: Program.Any, recording: Omit<Recording, "facts">, onMissing: OnMissing) => {
  const compiled = compiledOf(program)
  const tasks = new Tape(
    recording.tasks.filter(({ part }) => part === undefined),
    ({ agent, each }) => taskKey(agent, each)
  )
  const answers = new Tape(
    recording.answers.map((answer) => ({ ...answer, cycle: answer.intent.cycle, recorded: answer })),
    ({ intent }) => intentKeyOf(intent)
  )
  return {
    program: withAgents(program, (agent) =>
      agent.executeFiber === undefined ? agent : playedAgent(agent, compiled, tasks, onMissing)
    ),
    handlers: [...new Set([...handledKinds(compiled, recording), ...(onMissing.kinds ?? [])])].map(
      (kind): Engine.Handler<never, string> => {
        const perform = (intent: HandledIntent) => playedAnswer(kind, intent, compiled, answers, onMissing)
        return kind === childKind
          ? childHandler(perform)
          : handler<string, unknown, never, never>(kind, perform, { retry: Schedule.recurs(0) })
      }
    )
  }
}

/** Recorded items by their keys. */
class Tape<Item extends { readonly cycle: number }> {
  private readonly items = new Map<string, Array<Item>>()
  /** The cycles in which a key was asked for, by job and key. */
  private readonly asked = new Map<string, Array<number>>()

  constructor(items: Iterable<Item>, keyOf: (item: Item) => string) {
    for (const item of items) {
      const key = keyOf(item)
      const present = this.items.get(key)
      if (present === undefined) this.items.set(key, [item])
      else present.push(item)
    }
  }

  find(jobId: string, key: string, cycle: number): Item | undefined {
    const items = this.items.get(key)
    if (items === undefined || items.length === 0) return undefined
    const place = `${jobId} ${key}`
    let asked = this.asked.get(place)
    if (asked === undefined) this.asked.set(place, (asked = []))
    if (!asked.includes(cycle)) asked.push(cycle)
    return items.find((item) => item.cycle === cycle) ?? items[asked.indexOf(cycle)]
  }
}

const taskKey = (agent: string, each: FactRef | undefined): string =>
  JSON.stringify([agent, each === undefined ? null : refKey(each)])

/** The name of an intent, whatever its cycle. */
export const intentKeyOf = ({ agent, each, index, kind, part }: Omit<IntentRef, "cycle">): string =>
  JSON.stringify([kind, agent, each === undefined ? null : refKey(each), part ?? 0, index])

const playedAgent = (
  agent: ErasedAgent,
  { kinds }: CompiledProgram,
  tasks: Tape<RecordedTask>,
  { answered, before, discarded, noTask, used }: OnMissing
): ErasedAgent => ({
  ...agent,
  retry: undefined,
  concurrency: undefined,
  executeFiber: (fact, view) => {
    const answer = Effect.suspend(() => {
      const each = fact === undefined ? undefined : { kind: fact.kind, id: fact.id }
      const task = tasks.find(view.jobId, taskKey(agent.name, each), view.cycle)
      const on = each === undefined ? "" : ` on ${each.kind}/${each.id}`
      const missing = (why: string, of = noTask): Effect.Effect<unknown> =>
        of({ agent: agent.name, each, cycle: view.cycle, intent: "", why: `${agent.label}${on} ${why}` })
      if (task === undefined) return missing(`has no recorded answer in cycle ${view.cycle}`)
      answered?.(agent.name, each)
      used?.(task)
      const { failure } = task
      if (failure !== undefined) return failed(failure) ?? missing(`was discarded (${failure._tag})`, discarded)
      try {
        return Effect.succeed(outputOf(agent, task, kinds, view))
      } catch (error) {
        return missing(`has a recorded answer that does not fit the program: ${describeError(error)}`)
      }
    })
    return before === undefined ? answer : Effect.andThen(before(view.cycle), answer)
  }
})

/** Whether a recorded failure is the agent's own, and not what the engine made of its effect. */
export const isPlayable = (failure: NonNullable<RecordedTask["failure"]>): boolean => failed(failure) !== undefined

/** The failure of a task, if it is one that a task can be made to have. */
const failed = (failure: NonNullable<RecordedTask["failure"]>): Effect.Effect<never, unknown> | undefined => {
  const cause = reviveCause(failure)
  switch (cause._tag) {
    case "AgentFailed":
      return Effect.fail(cause.error)
    case "AgentTimedOut":
      return Effect.fail(new TimedOut())
    case "AgentPanicked":
      return Effect.die(new Error(cause.message))
    default:
      return undefined
  }
}

type Kinds = ReadonlyMap<string, ErasedKind>

const outputOf = (agent: ErasedAgent, { effect }: RecordedTask, kinds: Kinds, view: View<Kind.Any>): unknown => {
  if (effect === undefined) return {}
  const { evaluations, facts, intents, tokens, trace } = effect
  const reasons = reasonsIn(agent, view)
  return {
    facts: facts.map((fact) => {
      const because = fact.because?.flatMap((position) => reasons(position) ?? [])
      const proposal = proposalOf(fact, kinds)
      return because === undefined || because.length === 0 ? proposal : { ...proposal, because }
    }),
    intents: intents.map(({ kind, payload }) => {
      const declared = agent.intents.find(({ name }) => name === kind)
      return { kind, payload: declared === undefined ? payload : declared.codec.decode(canonicalText(payload)) }
    }),
    evaluations,
    ...(trace === undefined ? {} : { trace }),
    ...(tokens === 0 ? {} : { usage: { tokens } })
  }
}

/** The proposal of a recorded one, with the value in the type of its kind. @throws an error if it does not fit */
export const proposalOf = ({ kind: name, value }: RecordedProposal, kinds: Kinds): { kind: string; value: unknown } => {
  const kind = kinds.get(name)
  if (kind === undefined) throw new Error(`there is no kind ${JSON.stringify(name)}`)
  const decoded = kind.codec.decode(canonicalText(value))
  // Plain data is decoded as it is. The codec checks it when it encodes.
  kind.codec.encode(decoded)
  return { kind: name, value: decoded }
}

/** Finds the facts that a view shows by their commit positions. */
const reasonsIn = ({ visible }: ErasedAgent, view: View<Kind.Any>): ((position: number) => Fact | undefined) => {
  let facts: Map<number, Fact> | undefined
  return (position) => {
    facts ??= new Map(visible.flatMap((kind) => view.all(kind).map((fact) => [fact.provenance.version, fact] as const)))
    return facts.get(position)
  }
}

/**
 * The kinds of intents that handlers performed in the recording, and those of the program that the recording does not have. Kinds
 * that nobody performed then are not performed now.
 */
const handledKinds = (
  { intents }: CompiledProgram,
  { handled, tasks }: Pick<Recording, "handled" | "tasks">
): ReadonlyArray<string> => {
  const committed = new Set(tasks.flatMap(({ effect }) => effect?.intents.map(({ kind }) => kind) ?? []))
  const declared = [...intents.values()]
    .filter(({ isRecord, name }) => !isRecord && !committed.has(name))
    .map(({ name }) => name)
  return [...new Set([...handled, ...declared])].filter((kind) => kind !== approvalKind)
}

const playedAnswer = (
  kind: string,
  intent: HandledIntent,
  { kinds }: CompiledProgram,
  answers: Tape<RecordedAnswer & { readonly cycle: number; readonly recorded: RecordedAnswer }>,
  { noAnswer, used }: OnMissing
): Effect.Effect<ReadonlyArray<{ readonly kind: string; readonly value: unknown }>, unknown> =>
  Effect.suspend(() => {
    const { agent, cycle, each, jobId } = intent
    const answer = answers.find(jobId, intentKeyOf(intent), cycle)
    const on = each === undefined ? "" : ` on ${each.kind}/${each.id}`
    const missing = (why: string) =>
      Effect.as(
        noAnswer(
          { agent, each, cycle, intent: kind, why: `the intent ${kind} of agent "${agent}"${on} ${why}` },
          intent
        ),
        []
      )
    if (answer === undefined) return missing("has no recorded answer")
    used?.(answer.recorded)
    if (answer.failure !== undefined) {
      const cause = reviveCause(answer.failure)
      return Effect.fail("error" in cause ? cause.error : cause)
    }
    try {
      const facts =
        kind === childKind ? answer.facts.map((fact) => underKey(fact, answer.intent, intent)) : answer.facts
      return Effect.succeed(facts.map((fact) => proposalOf(fact, kinds)))
    } catch (error) {
      return missing(`has a recorded answer that does not fit the program: ${describeError(error)}`)
    }
  })

/** The result of a child job under the key of the intent that it answers now, which may be of another cycle. */
const underKey = (fact: RecordedProposal, before: IntentRef, now: HandledIntent): RecordedProposal => {
  const { value } = fact
  const [old, key] = [intentKey(before), intentKey(now)]
  if (old === key || typeof value !== "object" || value === null) return fact
  const isUnnamed = Reflect.get(value, "child") === old
  return { ...fact, value: { ...value, key, ...(isUnnamed ? { child: key } : {}) } }
}
