/**
 * A process of its own that runs one job and takes the pulse of its event loop meanwhile (pulse.ts).
 *
 *     node heartbeat.ts <case> [unsliced]     prints {turns, p99, max, total, cycles, version}, times in milliseconds
 *
 * Boundary: measures; slices.test.ts judges.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scheduler from "effect/Scheduler"
import { Agent, Engine, Fact, Limits, Program } from "../../../src/index.ts"
import { counter, engine, noInput, Num, nums, turn } from "./harness.ts"
import { p99Of, pulse } from "../pulse.ts"

const sizes = { warm: 500, cycles: 20_000, tasks: 20_000, facts: 100_000 }

/** Proposals are made before the pulse is taken: what an agent or a caller does by itself nobody can slice. */
const proposals = nums(1, sizes.facts)
const few = nums(1, sizes.warm)

const seeded = (seeds: typeof proposals) =>
  Program.make("seeded", { input: noInput, agents: [], kinds: [Num], seed: () => seeds })

const adder = (facts: typeof proposals) =>
  Program.make("adder", {
    input: noInput,
    agents: [Agent.make("adds", { writes: [Num], execute: () => Effect.succeed({ facts }) })]
  })

const fanOut = (seeds: typeof proposals) =>
  Program.make("fan-out", {
    input: noInput,
    agents: [Agent.make("looks", { each: Num, execute: () => Effect.succeed({}) })],
    seed: () => seeds
  })

/** One effect with a fact and very many evaluations of it. */
const judge = (count: number) => {
  const fact = { kind: Num.name, id: "1" }
  const evaluations = Array.from({ length: count }, (_, n) => ({ fact, score: 1 / (n + 1), reason: `because of ${n}` }))
  const judges = Agent.make("judges", {
    writes: [Num],
    execute: () => Effect.succeed({ facts: nums(1, 1), evaluations })
  })
  return Program.make("judge", { input: noInput, agents: [judges] })
}

const Brief = Fact.kind("Brief", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n),
  retention: { latest: 1 }
})

/** All but the last of what one effect adds is pruned when its cycle commits. */
const forgetful = (count: number) => {
  const facts = Array.from({ length: count }, (_, n) => Brief.of({ n }))
  const forgets = Agent.make("forgets", { writes: [Brief], execute: () => Effect.succeed({ facts }) })
  return Program.make("forgetful", { input: noInput, agents: [forgets] })
}

/** Goes on, a turn of the loop in each cycle, until the signal has come. */
const signalled = (facts: typeof proposals) =>
  Effect.gen(function* () {
    const waits = Agent.make("waits", {
      reads: [],
      accepts: (view) => view.version === 0,
      execute: () => Effect.as(turn, {})
    })
    const program = Program.make("signalled", { signals: [Num], input: noInput, agents: [waits], kinds: [Num] })
    const job = yield* Engine.start(program, {}, { budget: { maxCycles: Infinity } })
    yield* job.signal(facts)
    return yield* job.result
  })

const judged = { few: judge(sizes.warm), many: judge(sizes.facts) }
const forgetfuls = { few: forgetful(sizes.warm), many: forgetful(sizes.facts) }

type Measured = Effect.Effect<{ readonly cycles: number; readonly version: number }, unknown, Engine.Engine>

const jobs: Readonly<Record<string, (isWarmUp: boolean) => Measured>> = {
  cycles: (isWarmUp: boolean) => {
    const cycles = isWarmUp ? sizes.warm : sizes.cycles
    return Engine.run(counter(cycles - 1), {}, { budget: { maxCycles: cycles + 1 } })
  },
  seeds: (isWarmUp: boolean) => Engine.run(seeded(isWarmUp ? few : proposals), {}),
  effect: (isWarmUp: boolean) => Engine.run(adder(isWarmUp ? few : proposals), {}),
  tasks: (isWarmUp: boolean) => Engine.run(fanOut(isWarmUp ? few : proposals.slice(0, sizes.tasks)), {}),
  evaluations: (isWarmUp: boolean) => Engine.run(isWarmUp ? judged.few : judged.many, {}),
  pruned: (isWarmUp: boolean) => Engine.run(isWarmUp ? forgetfuls.few : forgetfuls.many, {}),
  signal: (isWarmUp: boolean) => signalled(isWarmUp ? few : proposals)
}

const [name, mode] = process.argv.slice(2)
const job = jobs[name ?? ""]
if (job === undefined) throw new Error(`there is no case ${name}`)
// The limit is fixed for users; here it is moved to show that the pulse is a measure of it.
if (mode === "unsliced") Object.assign(Limits, { sliceMs: Infinity })

const measured = Effect.gen(function* () {
  yield* job(true)
  return yield* pulse(job(false))
}).pipe(
  Effect.provide(engine()),
  // Effect's scheduler yields too, after so many operations of one fiber. Here only the engine does.
  Effect.provideService(Scheduler.MaxOpsBeforeYield, Infinity)
)

const { turns, value } = await Effect.runPromise(measured)
console.log(
  JSON.stringify({
    turns: turns.length,
    p99: p99Of(turns),
    max: turns.at(-1),
    total: turns.reduce((sum, ms) => sum + ms, 0),
    cycles: value.cycles,
    version: value.version
  })
)
