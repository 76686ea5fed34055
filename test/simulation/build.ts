/**
 * The real program of a spec.
 *
 * Boundary: from data to a program and its handlers. What they compute is in behave.ts.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Fold, Invariant, Program } from "../../src/index.ts"
import type { World } from "../../src/testing/simulation/World.ts"
import {
  type About,
  accepts,
  added,
  answerOf,
  behave,
  combine,
  faultOf,
  groupOf,
  itemsOf,
  keysOf,
  type Output,
  pairOf,
  removed,
  type Shown,
  type Sight,
  totalOf,
  verdictOf
} from "./behave.ts"
import type { AgentSpec, HandlerSpec, Item, KindSpec, Payload, ProgramSpec } from "./spec.ts"

const ItemSchema = Schema.Struct({ k: Schema.String, n: Schema.Finite, t: Schema.Array(Schema.String) })

type ItemKind = Fact.Kind<string, Item>
type Viewed = Parameters<NonNullable<Parameters<typeof Invariant.structural<ItemKind>>[1]>>[0]

/** What a program tells of itself while it runs, and what it needs to know of the world. */
export class Host {
  /** Counts the attempts of tasks and handlers in a life of the process. */
  readonly attempts = new Map<string, number>()
  /** Executions under way. */
  running = 0
  /** Values that an agent could have changed (G1). */
  readonly thawed: Array<string> = []
  /** Acts of handlers: the key of the intent, and the life. */
  readonly performed: Array<{ readonly key: string; readonly life: number }> = []
  /** The intents whose handlers are under way, and those that had two handlers at a time. */
  readonly busy = new Set<string>()
  readonly doubled: Array<string> = []
  life = 0
  world: World | undefined

  attempt(name: string): number {
    const key = `${this.life}/${name}`
    const attempt = (this.attempts.get(key) ?? 0) + 1
    this.attempts.set(key, attempt)
    return attempt
  }

  begin(life: number, world: World): void {
    this.life = life
    this.world = world
    this.running = 0
    this.busy.clear()
  }

  /** Runs the effect of a handler, one attempt of one intent. */
  performing<A, E>(key: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      if (this.busy.has(key)) this.doubled.push(key)
      this.busy.add(key)
      return Effect.ensuring(
        during(this, effect),
        Effect.sync(() => this.busy.delete(key))
      )
    })
  }

  shown(facts: ReadonlyArray<Shown>): ReadonlyArray<Shown> {
    if (!Object.isFrozen(facts)) this.thawed.push("the array of a view")
    for (const fact of facts)
      if (!Object.isFrozen(fact.value) || !Object.isFrozen(fact.value.t)) this.thawed.push(fact.id)
    return facts
  }
}

export interface Built {
  readonly program: Program.Program<string, null, unknown, never, never, ItemKind, ItemKind>
  readonly handlers: ReadonlyArray<Engine.Handler<never>>
  readonly kinds: ReadonlyMap<string, ItemKind>
  readonly host: Host
}

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

/** Builds the program of a spec. */
export const build = (spec: ProgramSpec): Built => {
  const kinds = new Map(spec.kinds.map((kind) => [kind.name, kindFrom(kind)]))
  const host = new Host()
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
  const options = {
    module: import.meta.url,
    input: Schema.Null,
    kinds: [...kinds.values()],
    agents,
    tiers,
    signals: spec.signals.map(kind),
    seed: () => spec.seeds.map(({ kind: name, value }) => kind(name).of(value)),
    invariants,
    budget: Object.fromEntries(Object.entries(spec.budget).filter(([, limit]) => limit !== undefined)),
    output: (view: Viewed) => spec.kinds.map(({ name }) => [name, view.size(kind(name))])
  }
  // A spec is data, so the types of its kinds and agents are not known to the compiler. `Program.make` checks them all.
  const program = Program.make("simulated", options as never) as unknown as Built["program"]
  return { program, kinds, host, handlers: spec.handlers.map((handler) => handlerFrom(handler, kinds, host)) }
}

const sightOf = (view: Viewed, kinds: Built["kinds"], host: Host): Sight => ({
  all: (kind) => host.shown(view.all(kinds.get(kind)!)),
  delta: (kind) => host.shown(view.delta(kinds.get(kind)!)),
  size: (kind) => view.size(kinds.get(kind)!)
})

/** The effect of an output: proposals are made by their kinds. */
const effectOf = (output: Output, kinds: Built["kinds"]) => ({
  facts: output.facts.map(({ because, kind, value }) => {
    const reasons = because === undefined ? {} : { because }
    return kinds.get(kind)?.of(value, reasons as never) ?? { kind, value }
  }),
  intents: output.intents,
  evaluations: output.evaluations,
  usage: { tokens: output.tokens }
})

const agentFrom = (agent: AgentSpec, kinds: Built["kinds"], host: Host): Agent.Agent.Any => {
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
          const { items, view } = given(args)
          return effectOf(behave(agent, items(), sight(view), 1), kinds)
        }
        return Agent.cpu(name, { ...common, ...each, ...timeout, ...placement, execute } as never)
      }
      const execute = (...args: ReadonlyArray<unknown>) => {
        const { fact, items, view } = given(args)
        const attempt = host.attempt(`${view.cycle}/${name}/${fact?.id ?? ""}`)
        return during(
          host,
          fiberOf(agent, items(), () => sight(view), attempt, kinds)
        )
      }
      const retry = agent.retries === undefined ? {} : { retry: retries(agent.retries) }
      const memoize = agent.memoize === true ? { memoize: true } : {}
      const concurrency = agent.concurrency === undefined ? {} : { concurrency: agent.concurrency }
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
const during = <A, E>(host: Host, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    host.running++
    return Effect.ensuring(
      effect,
      Effect.sync(() => void host.running--)
    )
  })

const fiberOf = (
  agent: AgentSpec,
  items: ReadonlyArray<About>,
  sight: () => Sight,
  attempt: number,
  kinds: Built["kinds"]
) => {
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

const foldOf = (agent: AgentSpec, kinds: Built["kinds"], accepting: object) => {
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

const handlerFrom = (handler: HandlerSpec, kinds: Built["kinds"], host: Host): Engine.Handler<never> =>
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
