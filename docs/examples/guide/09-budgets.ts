/**
 * Budgets: a crawl of a calendar, which has no last page, by a service that has to be paid.
 */
import { Agent, Budget, Engine, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Day = Fact.kind("Day", { schema: Schema.Struct({ number: Schema.Int }), id: ({ number }) => String(number) })

const Summary = Fact.kind("Summary", {
  schema: Schema.Struct({ day: Schema.Int, text: Schema.String }),
  id: ({ day }) => String(day)
})

// Every day has a next one. Nothing but a budget, or `accepts`, ends this.
const next = Agent.make("next", {
  each: Day,
  writes: [Day],
  execute: ({ value: { number } }) => Effect.succeed({ facts: [Day.of({ number: number + 1 })] })
})

/** Costs 3 cents. A real one is a request, which reports what it took. */
const summarize = (day: number) => Effect.succeed({ text: `day ${day}`, cents: 3 })

const sum = Agent.make("sum", {
  each: Day,
  writes: [Summary],
  execute: ({ value: { number } }) =>
    Effect.gen(function* () {
      // Room for the most that the call may cost, before it is made; then what it did cost.
      const reservation = yield* Budget.reserve({ cost: 5 })
      const { cents, text } = yield* summarize(number)
      yield* Budget.spend({ cost: cents }, { reservation })
      return { facts: [Summary.of({ day: number, text })] }
    })
})

const options = {
  input: Schema.Struct({}),
  seed: () => [Day.of({ number: 1 })],
  agents: [next, sum]
} as const

export const calendar = Program.make("calendar", {
  ...options,
  budget: { maxCycles: 1_000, maxDuration: "1 minute", maxCost: 20 },
  output: (view) => view.all(Summary).map(({ value }) => value.text)
})

/** The output that there is when the money is spent. A limit is no failure here. */
export const untilSpent = (budget: Budget.Budget) =>
  Engine.run(calendar, {}, { budget }).pipe(
    Effect.map(({ output, usage }) => ({ output, cost: usage.cost, ended: "converged" })),
    Effect.catchTag("BudgetExhausted", ({ budget, partial }) =>
      Effect.succeed({
        output: Program.output(calendar, partial.context),
        cost: partial.usage.cost,
        ended: `out of ${budget}`
      })
    )
  )

/** The other way to stop: an agent that does not accept any more, so that the job converges. */
export const week = Program.make("week", {
  input: Schema.Struct({}),
  seed: () => [Day.of({ number: 1 })],
  agents: [
    Agent.make("next", {
      each: Day,
      writes: [Day],
      accepts: (view) => view.size(Day) < 7,
      execute: ({ value: { number } }) => Effect.succeed({ facts: [Day.of({ number: number + 1 })] })
    })
  ],
  output: (view) => view.size(Day)
})
