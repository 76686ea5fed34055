/**
 * The example of docs/examples/access-policy: its agents alone, beside a naive model on random policies, and the promises of the
 * whole program.
 */
import { describe, expect, it, layer } from "@effect/vitest"
import { Agent, Engine, Program } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  access,
  Access,
  Claim,
  Content,
  decide,
  inherited,
  Member,
  Role,
  Rule,
  Within
} from "../../../docs/examples/access-policy/program.ts"
import { why } from "../../../docs/examples/access-policy/why.ts"
import { node } from "../../support/node.ts"
import { naiveAccess, type Policy } from "./naive.ts"

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

const claim = (effect: "grant" | "deny", who: string) => Claim.of({ effect, who, permission: "read", item: "salaries" })

describe("an agent of the policy", () => {
  const decided = (each: ReturnType<typeof claim>, ...others: ReadonlyArray<ReturnType<typeof claim>>) =>
    Effect.map(Testing.execute(decide, { each, facts: [each, ...others] }), ({ facts }) =>
      facts.map(({ id, value }) => [id, value.isAllowed])
    )

  it.effect("decides by the denial, if there is one for the same question", () =>
    Effect.gen(function* () {
      const [grant, deny] = [claim("grant", "ada"), claim("deny", "ada")]
      expect(yield* decided(grant)).toEqual([["ada read salaries", true]])
      expect(yield* decided(grant, claim("deny", "byron"))).toEqual([["ada read salaries", true]])
      expect(yield* decided(grant, deny)).toEqual([])
      expect(yield* decided(deny, grant)).toEqual([["ada read salaries", false]])
    })
  )

  it.effect("lets the members of a group inherit its rules, but for those that were revoked", () =>
    Effect.gen(function* () {
      const within = [Within.of({ member: "ada", group: "board" }), Within.of({ member: "eve", group: "guests" })]
      const { facts } = yield* Testing.execute(inherited, { facts: [Rule.of(grant), ...within] })
      expect(facts.map(({ id }) => id)).toEqual(["grant ada reader company"])
      expect(facts[0]?.because.map(({ kind }) => kind)).toEqual(["Rule", "Within"])
      const revoked = Rule.of({ ...grant, isRevoked: true })
      expect((yield* Testing.execute(inherited, { facts: [revoked, ...within] })).facts).toEqual([])
    })
  )

  it.effect("is executed for a claim, and says so", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Testing.execute(decide))).toMatchObject({ _tag: "NotExecuted", agent: "decide" })
    })
  )
})

describe("access by joins", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(access)).toEqual([])
  })

  layer(Testing.layer({ workers: 2, clock: "caller" }), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "decides as the naive model does, with 0 workers and with 2, and with one hash",
      [AnyPolicy],
      ([drawn]) =>
        Effect.gen(function* () {
          const policy = distinct(drawn)
          const threaded = yield* Engine.run(access, policy)
          const inline = yield* Effect.provide(Engine.run(access, policy), Testing.layer())
          expect(inline.output.toSorted()).toEqual(naiveAccess(policy))
          expect(inline.diagnostics).toEqual([])
          expect(threaded.hash).toBe(inline.hash)
        }),
      { arbitrary: { runs: 60 } }
    )
  })

  it.effect("decides the same in whatever order the rules and memberships arrive, late denials included", () =>
    Effect.gen(function* () {
      const { orders } = yield* Testing.confluent(access, company)
      expect(orders.length).toBeGreaterThan(10)
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("is the same in every run, and whenever its process dies", () =>
    Effect.gen(function* () {
      const { hash, status } = yield* Testing.deterministic(access, company)
      const survived = yield* Testing.durable(access, company)
      expect(survived).toMatchObject({ status, hash })
      expect(survived.kills).toBe(survived.writes)
      expect(status).toBe("converged")
    })
  )

  it.effect("refuses a policy that says something twice, and names it", () =>
    Effect.gen(function* () {
      const twice = { ...company, rules: [grant, { ...grant, isRevoked: true }] }
      const error = yield* Effect.flip(Testing.start(access, twice))
      expect(error).toMatchObject({ _tag: "InvalidInput" })
      expect(error.message).toContain('"Rule"/grant board reader company')
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("says on which rules, memberships and folders a decision rests", () =>
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
    }).pipe(Effect.provide(Testing.layer()))
  )
})

describe("a change of the policy", () => {
  const forked = (options: Parameters<typeof fork>[0]) => Effect.flatMap(fork(options), (job) => job.result)
  const fork = (options: Engine.ForkOptions<typeof Rule, Policy>) => Engine.fork(access, "before", options)

  it.effect("revokes a rule in a fork from the seeds, and there only", () =>
    Effect.gen(function* () {
      yield* Engine.run(access, company, { id: "before" })
      const revoked = Rule.of({ ...grant, isRevoked: true })
      const { output } = yield* forked({ at: 0, facts: [revoked] })
      expect(output).toEqual(naiveAccess({ ...company, rules: [revoked.value, deny] }))
      expect(output).toEqual([])
      // Facts are not taken back: in a fork from the end, everything that was derived from the rule is still there.
      const late = yield* forked({ facts: [revoked] })
      expect(late.output).toEqual((yield* Engine.run(access, company)).output)
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("lets a late denial revise what was decided", () =>
    Effect.gen(function* () {
      yield* Engine.run(access, company, { id: "before" })
      const late = { effect: "deny", subject: "founders", role: "reader", on: "company", isRevoked: false } as const
      const { context, output } = yield* forked({ facts: [Rule.of(late)] })
      expect(output.toSorted()).toEqual(naiveAccess({ ...company, rules: [grant, deny, late] }))
      expect(context.find("Access", "ada read salaries")?.value).toMatchObject({ isAllowed: false })
      expect(context.size(Claim)).toBeGreaterThan(context.size(Access))
    }).pipe(Effect.provide(Testing.layer()))
  )
})

describe("a changed rule, rehearsed over stored jobs", () => {
  /** A later version in which a grant wins over a denial of a group. */
  const lenient = Testing.withAgents(access, [
    Agent.cpu("decide", {
      each: Claim,
      reads: [Claim],
      writes: [Access],
      execute: ({ value: { effect, item, permission, who } }, view) => {
        const grant = view.get(Claim, Claim.id({ effect: "grant", who, permission, item }))
        const isAllowed = effect === "grant" || Option.isSome(grant)
        return { facts: [Access.of({ who, permission, item, isAllowed })] }
      }
    })
  ])

  it.effect("says who may do what then, by fact and cycle, of a job and of its fork", () =>
    Effect.gen(function* () {
      yield* Engine.run(access, company, { id: "before" })
      const fork = yield* Engine.fork(access, "before", {
        id: "what-if",
        facts: [Rule.of({ ...deny, subject: "founders" })]
      })
      yield* fork.result
      const recordings = yield* Effect.all([Testing.recording("before"), Testing.recording("what-if")])
      const same = yield* Testing.rehearse(access, recordings)
      expect(same.jobs.map(({ isOtherwise, isSame }) => [isOtherwise, isSame])).toEqual([
        [false, true],
        [false, true]
      ])
      const { jobs } = yield* Testing.rehearse(lenient, recordings)
      const told = jobs.map(({ facts }) =>
        facts.map(({ after, cycle, fact, what }) => `${what} ${fact.id} in cycle ${cycle}: ${JSON.stringify(after)}`)
      )
      const allowed = (who: string, item: string) =>
        `{"isAllowed":true,"item":"${item}","permission":"read","who":"${who}"}`
      expect(told[0]).toEqual([
        `changed byron read personnel in cycle 6: ${allowed("byron", "personnel")}`,
        `changed byron read salaries in cycle 6: ${allowed("byron", "salaries")}`
      ])
      // The denial of the fork came late. It revises nothing any more.
      expect(told[1]?.map((line) => line.split(" in ")[0])).toEqual([
        "changed founders read personnel",
        "changed founders read salaries",
        "changed ada read personnel",
        "changed ada read salaries"
      ])
    }).pipe(Effect.provide(Testing.layer()))
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
