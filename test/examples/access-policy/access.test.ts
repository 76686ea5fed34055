/** The example of docs/examples/access-policy beside a naive model, on random policies, with and without threads. */
import { describe, expect, it, layer } from "@effect/vitest"
import { Engine, JobStore, Program, WorkerPool } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { access, Access, Claim, Content, Member, Role, Rule } from "../../../docs/examples/access-policy/program.ts"
import { why } from "../../../docs/examples/access-policy/why.ts"
import { node } from "../../support/node.ts"
import { naiveAccess, type Policy } from "./naive.ts"

const engineOn = (size: number) =>
  Engine.layer().pipe(Layer.provide([WorkerPool.layer({ size }), JobStore.layerMemoryJournal]))

/** Few names, so that groups and folders nest and form circles, and so that grants meet denials. */
const few = (...names: ReadonlyArray<string>) => Schema.Literals(names)
const some = <S extends Schema.Constraint>(item: S, least: number, most: number) =>
  Schema.Array(item).check(Schema.isMinLength(least), Schema.isMaxLength(most))

const AnyPolicy = Schema.Struct({
  members: some(Schema.Struct({ member: few("u1", "g1", "g2"), group: few("g1", "g2") }), 1, 6),
  contents: some(Schema.Struct({ item: few("d1", "f1", "f2"), folder: few("f1", "f2") }), 1, 6),
  roles: some(Schema.Struct({ role: few("reader", "editor"), permission: few("read", "write") }), 1, 4),
  rules: some(
    Schema.Struct({
      effect: Schema.Literals(["grant", "deny"]),
      subject: few("u1", "g1", "g2"),
      role: few("reader", "editor"),
      on: few("d1", "f1", "f2"),
      isRevoked: Schema.Literals([false, false, false, true])
    }),
    2,
    6
  )
})

const once = <A>(values: ReadonlyArray<A>, id: (value: A) => string) => [
  ...new Map(values.map((value) => [id(value), value])).values()
]

/** The policy with each line once: an input that says something twice is refused. */
const distinct = ({ contents, members, roles, rules }: Policy): Policy => ({
  members: once(members, Member.id),
  contents: once(contents, Content.id),
  roles: once(roles, Role.id),
  rules: once(rules, Rule.id)
})

const grant = { effect: "grant", subject: "board", role: "reader", on: "company", isRevoked: false } as const
const deny = { effect: "deny", subject: "guests", role: "reader", on: "personnel", isRevoked: false } as const

const company: Policy = {
  members: [
    { member: "ada", group: "founders" },
    { member: "founders", group: "board" },
    { member: "byron", group: "board" },
    { member: "byron", group: "guests" }
  ],
  contents: [
    { item: "salaries", folder: "personnel" },
    { item: "personnel", folder: "company" }
  ],
  roles: [{ role: "reader", permission: "read" }],
  rules: [grant, deny]
}

describe("access by joins", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(access)).toEqual([])
  })

  layer(engineOn(2), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "decides as the naive model does, with 0 workers and with 2, and with one hash",
      [AnyPolicy],
      ([drawn]) =>
        Effect.gen(function* () {
          const policy = distinct(drawn)
          const threaded = yield* Engine.run(access, policy)
          const inline = yield* Effect.provide(Engine.run(access, policy), engineOn(0))
          expect(inline.output.toSorted()).toEqual(naiveAccess(policy))
          expect(inline.diagnostics).toEqual([])
          expect(threaded.hash).toBe(inline.hash)
        }),
      { arbitrary: { runs: 60 } }
    )
  })

  it.live("decides the same in whatever order the rules and memberships arrive, late denials included", () =>
    Effect.gen(function* () {
      const { orders } = yield* Testing.confluent(access, company)
      expect(orders.length).toBeGreaterThan(10)
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("refuses a policy that says something twice, and names it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Engine.run(access, { ...company, rules: [grant, { ...grant, isRevoked: true }] })
      )
      expect(error).toMatchObject({ _tag: "InvalidInput" })
      expect(error.message).toContain('"Rule"/grant board reader company')
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("says on which rules, memberships and folders a decision rests", () =>
    Effect.gen(function* () {
      const { context } = yield* Engine.run(access, company)
      const asked = { permission: "read", item: "salaries" }
      expect(why(context, { who: "ada", ...asked })).toEqual({
        isAllowed: true,
        premises: [
          "Content personnel company",
          "Content salaries personnel",
          "Member ada founders",
          "Member founders board",
          "Role reader read",
          "Rule grant board reader company"
        ]
      })
      expect(why(context, { who: "byron", ...asked })).toEqual({
        isAllowed: false,
        premises: [
          "Content salaries personnel",
          "Member byron guests",
          "Role reader read",
          "Rule deny guests reader personnel"
        ]
      })
      expect(why(context, { who: "carol", ...asked })).toEqual({ isAllowed: false, premises: [] })
    }).pipe(Effect.provide(engineOn(0)))
  )
})

describe("a change of the policy", () => {
  const forked = (options: Parameters<typeof fork>[0]) => Effect.flatMap(fork(options), (job) => job.result)
  const fork = (options: Engine.ForkOptions<typeof Rule, Policy>) => Engine.fork(access, "before", options)

  it.live("revokes a rule in a fork from the seeds, and there only", () =>
    Effect.gen(function* () {
      yield* Engine.run(access, company, { id: "before" })
      const revoked = Rule.of({ ...grant, isRevoked: true })
      const { output } = yield* forked({ at: 0, facts: [revoked] })
      expect(output).toEqual(naiveAccess({ ...company, rules: [revoked.value, deny] }))
      expect(output).toEqual([])
      // Facts are not taken back: in a fork from the end, everything that was derived from the rule is still there.
      const late = yield* forked({ facts: [revoked] })
      expect(late.output).toEqual((yield* Engine.run(access, company)).output)
    }).pipe(Effect.provide(engineOn(0)))
  )

  it.live("lets a late denial revise what was decided", () =>
    Effect.gen(function* () {
      yield* Engine.run(access, company, { id: "before" })
      const late = { effect: "deny", subject: "founders", role: "reader", on: "company", isRevoked: false } as const
      const { context, output } = yield* forked({ facts: [Rule.of(late)] })
      expect(output.toSorted()).toEqual(naiveAccess({ ...company, rules: [grant, deny, late] }))
      expect(context.find("Access", "ada read salaries")?.value).toMatchObject({ isAllowed: false })
      expect(context.size(Claim)).toBeGreaterThan(context.size(Access))
    }).pipe(Effect.provide(engineOn(0)))
  )
})

describe("the example", () => {
  it("says who may read the salaries, why, and what a revocation leaves", { timeout: 60_000 }, async () => {
    const { code, stdout } = await node(["docs/examples/access-policy/main.ts"])
    expect(code).toBe(0)
    expect(stdout).toContain("ada may read the salaries\n  Content personnel company\n")
    expect(stdout).toContain("byron may not read the salaries\n  Content salaries personnel\n")
    expect(stdout).toContain("10 permissions before, 0 after the rule was revoked\n")
  })
})
