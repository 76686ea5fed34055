/**
 * A small company: who may read the salaries, why, and what is left after a rule was revoked.
 *
 * `node docs/examples/access-policy/main.ts`
 */
import { Engine, JobStore, type Program, WorkerPool } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { access, Rule } from "./program.ts"
import { why } from "./why.ts"

const grantToBoard = { effect: "grant", subject: "board", role: "reader", on: "company", isRevoked: false } as const

const company: Program.Program.Input<typeof access> = {
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
  rules: [grantToBoard, { effect: "deny", subject: "guests", role: "reader", on: "personnel", isRevoked: false }]
}

const program = Effect.gen(function* () {
  const before = yield* Engine.run(access, company, { id: "before" })
  for (const who of ["ada", "byron", "carol"]) {
    const { isAllowed, premises } = why(before.context, { who, permission: "read", item: "salaries" })
    yield* Console.log(`${who} ${isAllowed ? "may" : "may not"} read the salaries`)
    for (const premise of premises) yield* Console.log(`  ${premise}`)
  }
  // Facts are not taken back, so the revocation starts again from the seeds, with the rule as it is now.
  const job = yield* Engine.fork(access, "before", { at: 0, facts: [Rule.of({ ...grantToBoard, isRevoked: true })] })
  const after = yield* job.result
  yield* Console.log(`${before.output.length} permissions before, ${after.output.length} after the rule was revoked`)
})

const engine = Engine.layer().pipe(Layer.provide([WorkerPool.layer(), JobStore.layerMemoryJournal]))

await Effect.runPromise(Effect.provide(program, engine))
