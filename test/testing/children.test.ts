/**
 * Checks of programs with child jobs: a parent that passes all of them, and the agent, the fact and the cycle in the child that
 * is to blame.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Room = Fact.kind("Room", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Floor = Fact.kind("Floor", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Plan = Fact.kind("Plan", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Painted = Fact.kind("Painted", {
  schema: Schema.Struct({ room: Schema.String, coats: Schema.Number }),
  id: ({ room }) => room
})

/** Paints one room. */
const painting = (coats: () => number) =>
  Program.make("painting", {
    input: Schema.String,
    seed: (id) => [Room.of({ id })],
    agents: [
      Agent.make("paint", {
        each: Room,
        writes: [Painted],
        execute: ({ id }) => Effect.sync(() => ({ facts: [Painted.of({ room: id, coats: coats() })] }))
      })
    ],
    output: (view) => view.all(Painted).map(({ value }) => value.coats)
  })

type Painting = ReturnType<typeof painting>

/** A child for each floor, with a child for each of its rooms. */
const floorOf = (paint: Painting) =>
  Program.make("floor", {
    input: Schema.Array(Schema.String),
    seed: (rooms) => rooms.map((id) => Room.of({ id })),
    agents: [
      Agent.make("ask", {
        each: Room,
        execute: ({ id }) => Effect.succeed({ intents: [Intent.child(paint, id, { id })] })
      })
    ],
    output: (view) => view.size(Intent.ChildResult)
  })

const houseOf = (floor: ReturnType<typeof floorOf>) =>
  Program.make("house", {
    input: Schema.Array(Schema.String),
    seed: (floors) => floors.map((id) => Floor.of({ id })),
    agents: [
      Agent.make("begin", {
        each: Floor,
        execute: ({ id }) => Effect.succeed({ intents: [Intent.child(floor, [`${id} left`, `${id} right`], { id })] })
      })
    ],
    output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.output)
  })

const built = (coats: () => number) => {
  const paint = painting(coats)
  const floor = floorOf(paint)
  return { house: houseOf(floor), children: [floor, paint] }
}

const floors = ["one", "two"]
const good = built(() => 2)

/** A house whose rooms get one more coat each time. */
const bad = () => {
  let coats = 0
  return built(() => coats++)
}

/** The place in the first room of the first floor. */
const inFirstRoom = {
  agent: "paint",
  fact: { kind: "Painted", id: "one left" },
  cycle: 1,
  child: `1/begin/"Floor"/one/0/1/ask/"Room"/one left/0`
}

describe("a program with child jobs", () => {
  it.effect("is deterministic and durable, with its children", () =>
    Effect.gen(function* () {
      const { children, house } = good
      const { hash, status } = yield* Testing.deterministic(house, floors, { children, orders: 2 })
      expect(status).toBe("converged")
      const report = yield* Testing.durable(house, floors, { children, kills: 25 })
      // A beginning, two cycles at least and an end of seven jobs.
      expect(report).toMatchObject({ status: "converged", hash, overpaid: { tokens: 0, cost: 0 } })
      expect(report.writes).toBeGreaterThanOrEqual(7 * 3)
    })
  )

  it.effect("is found by the agent, the fact and the cycle of a grandchild whose runs differ", () =>
    Effect.gen(function* () {
      const { children, house } = bad()
      const found = yield* Effect.flip(Testing.deterministic(house, floors, { children }))
      expect(found).toMatchObject({ _tag: "NotDeterministic", way: "alike", ...inFirstRoom })
      expect(found.message).toContain(`agent "paint" on Room/one left of the child job ${inFirstRoom.child} gives two`)
    })
  )

  it.effect("is found by the grandchild that gives something else after a kill", () =>
    Effect.gen(function* () {
      const { children, house } = bad()
      const found = yield* Effect.flip(Testing.durable(house, floors, { children }))
      expect(found).toMatchObject({ _tag: "NotDurable", what: "journal", ...inFirstRoom })
    })
  )

  it.effect("is confluent though the cycles in which it asks for children depend on the order", () =>
    Effect.gen(function* () {
      const paint = painting(() => 1)
      const late = (isNamed: boolean) =>
        Program.make("late", {
          module: import.meta.url,
          input: Schema.Array(Schema.String),
          seed: (ids) => ids.flatMap((id) => [Floor.of({ id }), Room.of({ id })]),
          agents: [
            Agent.make("plan", {
              each: Room,
              writes: [Plan],
              execute: ({ value }) => Effect.succeed({ facts: [Plan.of(value)] })
            }),
            Agent.join("paint", {
              left: [Plan, (plan) => plan.id],
              right: [Floor, (floor) => floor.id],
              placement: "inline",
              execute: (plan) => ({ intents: [Intent.child(paint, plan.id, isNamed ? { id: plan.id } : {})] })
            })
          ],
          output: (view) => view.size(Intent.ChildResult)
        })
      const { facts, orders } = yield* Testing.confluent(late(true), ["a", "b"])
      expect([facts, orders.length > 5]).toEqual([8, true])
      const unnamed = yield* Effect.flip(Testing.confluent(late(false), ["a", "b"]))
      expect(unnamed).toMatchObject({ _tag: "NotConfluent", fact: { kind: "ChildResult" } })
      expect(unnamed.message).toContain("Without an `id` in Intent.child it is known by the cycle")
    }).pipe(Effect.provide(Testing.layer({ children: [painting(() => 1)] })))
  )

  it.effect("names the agent whose intent gets two answers", () =>
    Effect.gen(function* () {
      const Ask = Intent.kind("Ask", { payload: Schema.String, answers: [Painted] })
      const asking = Program.make("asking", {
        input: Schema.String,
        seed: (id) => [Room.of({ id })],
        agents: [
          Agent.make("ask", {
            each: Room,
            intents: [Ask],
            execute: ({ id }) => Effect.succeed({ intents: [Ask.of(id)] })
          })
        ]
      })
      let coats = 0
      const handler = Engine.handler(Ask, ({ payload }) =>
        Effect.sync(() => [Painted.of({ room: payload, coats: coats++ })])
      )
      const found = yield* Effect.flip(Testing.deterministic(asking, "hall", { handlers: [handler] }))
      expect(found).toMatchObject({ agent: "ask", fact: { kind: "Painted", id: "hall" }, cycle: 2, child: "" })
      expect(found.message).toContain(`the answer to agent "ask" on Room/hall gives two things, in Painted/hall in`)
    })
  )

  it.effect("refuses options that cannot work", () =>
    Effect.gen(function* () {
      const { children, house } = good
      const runs = yield* Effect.flip(Testing.deterministic(house, floors, { children, orders: -1 }))
      expect(runs.message).toContain("orders must be a whole number from 0 to 100000, not -1")
      const kills = yield* Effect.flip(Testing.durable(house, floors, { children, kills: 0 }))
      expect(kills).toMatchObject({ _tag: "InvalidOptions" })
    })
  )
})
