/**
 * The real program of a spec.
 *
 * Boundary: from data to a program and its handlers. What they compute is in behave.ts.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Budget, Engine, Fact, Fold, Intent, Invariant, Program } from "../../src/index.ts"
import {
  type About,
  accepts,
  added,
  answerOf,
  behave,
  builtInKinds,
  combine,
  faultOf,
  groupOf,
  itemsOf,
  keysOf,
  limitsIn,
  migrated,
  type Output,
  pairOf,
  removed,
  seedsOf,
  type Shown,
  type Sight,
  totalOf,
  verdictOf
} from "./behave.ts"
import type { Case } from "./generate.ts"
import { Host } from "./host.ts"
import type { AgentSpec, HandlerSpec, Item, KindSpec, MigrationSpec, Payload, ProgramSpec } from "./spec.ts"
import { nameOf, type Payer } from "./till.ts"

const ItemSchema = Schema.Struct({ k: Schema.String, n: Schema.Finite, t: Schema.Array(Schema.String) })

type ItemKind = Fact.Kind<string, Item>
type Viewed = Parameters<NonNullable<Parameters<typeof Invariant.structural<ItemKind>>[1]>>[0]

export interface Built {
  readonly program: BuiltProgram
  readonly versions: ReadonlyArray<BuiltProgram>
  readonly children: ReadonlyArray<BuiltProgram>
  readonly next: BuiltProgram | undefined
  readonly handlers: ReadonlyArray<Engine.Handler<never>>
  readonly kinds: Kinds
  readonly host: Host
}

type BuiltProgram = Program.Program<string, Item | null, unknown, never, never, ItemKind, ItemKind>
type Kinds = ReadonlyMap<string, ItemKind>

const kindFrom = ({ latest, name, rule }: KindSpec): ItemKind => {
  const conflict = (() => {
    switch (rule) {
      case "reject":
      case "keepFirst":
      case "keepLast":
        return rule
      case "max":
        return Fact.max((item: Item) => item.n)
      case "min":
        return Fact.min((item: Item) => item.n)
      case "union":
        return Fact.union("t")
      default:
        return (existing: Item, proposed: Item) => combine(rule, existing, proposed)
    }
  })()
  const id = (item: Item) => item.k
  return Fact.kind(name, {
    schema: ItemSchema,
    id,
    conflict,
    ...(latest === undefined ? {} : { retention: { latest } })
  })
}

/** Builds the programs of a case, and the handlers of the first. */
export const build = (whole: Case): Built => {
  const host = new Host()
  const { children, program, sequel, versions } = whole
  const kinds = kindsOf(program)
  const built = programFrom(program, host)
  return {
    program: built,
    versions: versions.map((version) => programFrom(version, host)),
    children: children.map((child) => (child === program ? built : programFrom(child, host))),
    next: sequel?.do === "go on" ? programFrom(sequel.program, host) : undefined,
    ...{ kinds, host, handlers: program.handlers.map((handler) => handlerFrom(handler, kinds, host)) }
  }
}

/** The kinds of a program, and those that every program has. */
const kindsOf = (spec: ProgramSpec): Kinds => {
  const own = spec.kinds.map((kind): readonly [string, ItemKind] => [kind.name, kindFrom(kind)])
  const builtIn = [Intent.Decision, Intent.ChildResult].map((kind) => [kind.name, kind as unknown as ItemKind] as const)
  return new Map([...own, ...builtIn])
}

const programFrom = (spec: ProgramSpec, host: Host): BuiltProgram => {
  const kinds = kindsOf(spec)
  const agents = spec.agents.map((agent) => agentFrom(agent, kinds, host))
  const tiers = Array.from({ length: spec.tiers }, (_, tier) =>
    spec.agents.filter((agent) => agent.tier === tier).map(({ name }) => name)
  )
  const kind = (name: string): ItemKind => kinds.get(name)!
  const invariants = spec.invariants.map(({ name, onViolation, type, ...rest }) => {
    const check = (view: Viewed) => verdictOf({ name, type, ...rest }, view.size(kind(rest.kind)))
    if (type === "semantic") return Invariant.semantic(name, check)
    if (type === "acceptance") return Invariant.acceptance(name, check)
    return Invariant.structural(name, check, { onViolation: onViolation ?? "halt" })
  })
  const { migration } = spec
  const options = {
    module: import.meta.url,
    version: spec.version,
    ...(migration === undefined ? {} : { migrate: migrateBy(migration) }),
    input: Schema.NullOr(ItemSchema),
    kinds: spec.kinds.map(({ name }) => kind(name)),
    agents,
    tiers,
    signals: spec.signals.map(kind),
    seed: (input: Item | null) => seedsOf(spec, input).map(({ kind: name, value }) => kind(name).of(value)),
    invariants,
    budget: limitsIn(spec.budget),
    // It has a schema, so that a parent gets the output as it is.
    output: {
      schema: Schema.Array(Schema.Tuple([Schema.String, Schema.Finite])),
      from: (view: Viewed) => spec.kinds.map(({ name }) => [name, view.size(kind(name))])
    }
  }
  // A spec is data, so the types of its kinds and agents are not known to the compiler. `Program.make` checks them all.
  return Program.make(spec.name, options as never) as unknown as BuiltProgram
}

const migrateBy =
  (migration: MigrationSpec) =>
  (fact: { readonly kind: string; readonly value: unknown }): { kind: string; value: unknown } | undefined => {
    if (builtInKinds.includes(fact.kind)) return fact
    const value = migrated(migration, fact.value as Item)
    return value === undefined ? undefined : { kind: fact.kind, value }
  }

const sightOf = (view: Viewed, kinds: Kinds, host: Host): Sight => ({
  all: (kind) => host.shown(view.all(kinds.get(kind)!)),
  delta: (kind) => host.shown(view.delta(kinds.get(kind)!)),
  size: (kind) => view.size(kinds.get(kind)!)
})

/** The effect of an output: proposals are made by their kinds. */
const effectOf = (output: Output, kinds: Kinds) => ({
  facts: output.facts.map(({ because, kind, value }) => {
    const reasons = because === undefined ? {} : { because }
    return kinds.get(kind)?.of(value, reasons as never) ?? { kind, value }
  }),
  intents: output.intents,
  evaluations: output.evaluations,
  usage: { tokens: output.tokens }
})

const agentFrom = (agent: AgentSpec, kinds: Kinds, host: Host): Agent.Agent.Any => {
  const kind = (name: string | undefined) => (name === undefined ? undefined : kinds.get(name))
  const sight = (view: Viewed) => sightOf(view, kinds, host)
  const { accepts: rule, name } = agent
  const accepting = rule === undefined ? {} : { accepts: (view: Viewed) => accepts(agent, sight(view)) }
  const common = {
    ...accepting,
    onFailure: agent.onFailure,
    reads: agent.reads.map(kind),
    writes: agent.writes.map(kind)
  }
  const timeout = agent.timeoutMs === undefined ? {} : { timeout: agent.timeoutMs }
  const placement = agent.placement === undefined ? {} : { placement: agent.placement }
  switch (agent.form) {
    case "fold":
      return Agent.fold(name, foldOf(agent, kinds, accepting) as never)
    case "join": {
      const keys = (item: Item) => keysOf(agent.key, item)
      const execute = (left: Shown, right: Shown, view: Viewed) =>
        effectOf(behave(agent, pairOf(left, right), sight(view), 1), kinds)
      const sides = { left: [kind(agent.from), keys], right: [kind(agent.and), keys] }
      return Agent.join(name, { ...common, ...placement, ...sides, execute } as never)
    }
    default: {
      const each = agent.form === "each" ? { each: kind(agent.from) } : {}
      const given = (args: ReadonlyArray<unknown>) => {
        const view = args.at(-1) as Viewed
        const fact = args.length > 1 ? (args[0] as Shown) : undefined
        return { view, fact, items: () => itemsOf(agent, fact, sight(view)) }
      }
      if (agent.type === "cpu") {
        const execute = (...args: ReadonlyArray<unknown>) => {
          const { fact, items, view } = given(args)
          host.till.start({ job: view.jobId, cycle: view.cycle, agent: name, each: fact?.id ?? "" })
          return effectOf(behave(agent, items(), sight(view), 1), kinds)
        }
        return Agent.cpu(name, { ...common, ...each, ...timeout, ...placement, execute } as never)
      }
      const execute = (...args: ReadonlyArray<unknown>) => {
        const { fact, items, view } = given(args)
        const payer = { job: view.jobId, cycle: view.cycle, agent: name, each: fact?.id ?? "" }
        const attempt = host.attempt(nameOf(payer))
        host.till.start(payer)
        if (attempt === 1) host.till.startFiber(payer)
        const executed = fiberOf(agent, items(), () => sight(view), attempt, kinds)
        return during(host, payer, paying(agent, payer, host, executed))
      }
      const retry = agent.retries === undefined ? {} : { retry: retries(agent.retries) }
      const memoize = agent.memoize === true ? { memoize: true } : {}
      const { concurrency: limit, gapMs: gap } = agent
      const concurrency = limit === undefined ? {} : { concurrency: gap === undefined ? limit : { limit, gap } }
      return Agent.make(name, {
        ...common,
        ...each,
        ...timeout,
        ...retry,
        ...memoize,
        ...concurrency,
        execute
      } as never)
    }
  }
}

/** Tries again after 3 ms, so often. */
const retries = (times: number) => Schedule.max([Schedule.spaced(3), Schedule.recurs(times)])

/** Counts an execution as under way. */
const during = <A, E>(host: Host, payer: Payer, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    // A cancel may come between any two steps, but not between an acquire and the promise of its release.
    Effect.sync(() => host.enter(payer)),
    () => effect,
    () => Effect.sync(() => host.leave(payer))
  )

/** An attempt, after the call that its agent pays for. */
const paying = <A, E>(
  { pays: spec }: AgentSpec,
  payer: Payer,
  { till }: Host,
  executed: Effect.Effect<A, E>
): Effect.Effect<A | object, E | Budget.NoRoom> => {
  if (spec === undefined) return executed
  const { catches, pays, reserves, takesMs } = spec
  return Effect.gen(function* () {
    const call = till.ask(payer, reserves, catches)
    if (reserves !== undefined) {
      const asked = yield* Effect.exit(Budget.reserve(reserves))
      if (Exit.isFailure(asked)) {
        const refusal = asked.cause.reasons.find(Cause.isFailReason)?.error
        if (refusal === undefined) return yield* asked
        till.refuse(call, refusal)
        return catches ? {} : yield* refusal
      }
      till.grant(call)
      yield* Effect.sleep(takesMs)
    }
    if (pays !== undefined) {
      till.pay(call, pays)
      yield* Budget.spend(pays)
      till.paid(call)
    }
    return yield* executed
  })
}

const fiberOf = (agent: AgentSpec, items: ReadonlyArray<About>, sight: () => Sight, attempt: number, kinds: Kinds) => {
  const first = items[0]?.value
  const how = faultOf(agent, first, attempt)
  const ms = how === "slow" && agent.timeoutMs !== undefined ? agent.timeoutMs * 10 : agent.takesMs
  const result = Effect.suspend(() =>
    how === "error"
      ? Effect.fail({ _tag: "Refused", n: first?.n ?? 0 })
      : Effect.succeed(effectOf(behave(agent, items, sight(), attempt), kinds))
  )
  return ms === 0 ? result : Effect.andThen(Effect.sleep(ms), result)
}

const foldOf = (agent: AgentSpec, kinds: Kinds, accepting: object) => {
  const over = kinds.get(agent.from ?? "")!
  const by = (item: Item) => groupOf(agent.key, item)
  const base = { ...accepting, over, by, into: kinds.get(agent.writes[0] ?? "") }
  if (agent.aggregate === "own") return { ...base, add: added, remove: removed }
  const of = (item: Item) => item.n
  const aggregates = {
    sum: () => Fold.sum(over, of),
    count: () => Fold.count(),
    min: () => Fold.min(over, of),
    max: () => Fold.max(over, of)
  }
  return { ...base, aggregate: aggregates[agent.aggregate ?? "sum"](), as: totalOf }
}

const handlerFrom = (handler: HandlerSpec, kinds: Kinds, host: Host): Engine.Handler<never> =>
  Engine.handler(
    handler.kind,
    ({ idempotencyKey, payload }) =>
      Effect.suspend(() => {
        const attempt = host.attempt(idempotencyKey)
        if (attempt === 1) host.performed.push({ key: idempotencyKey, life: host.life })
        const ms = handler.takesMs + (host.world?.below(30) ?? 0)
        const answer = Effect.suspend(() => {
          if (attempt <= handler.attempts) return Effect.fail({ _tag: "Transient" })
          const given = answerOf(handler, payload as Payload)
          if ("_tag" in given) return given._tag === "HandlerTimedOut" ? Effect.never : Effect.fail(given)
          return Effect.succeed(given.map(({ kind, value }) => kinds.get(kind)!.of(value)))
        })
        return host.performing(idempotencyKey, Effect.andThen(Effect.sleep(ms), answer))
      }),
    { onFailure: handler.onFailure, timeout: 5_000 }
  )
