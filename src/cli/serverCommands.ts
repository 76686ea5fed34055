/**
 * The commands that ask a running server: they steer jobs, which a file cannot do.
 *
 * Boundary: definitions. The work of each command is in remote.ts, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as flags from "./flags.ts"
import { define } from "./definition.ts"
import { lazily } from "./lazily.ts"

const codes = `The server is --server, or CONVERGE_SERVER; the token is CONVERGE_TOKEN.

Exit code: 0, 3 if the server refused it, 64 if there is no such job or the call is wrong, 70 if the
server cannot be reached.`

const job = Argument.String("job").pipe(Argument.withDescription("The job's id"))

export const approvals = define(
  "approvals",
  {
    job: Argument.String("job").pipe(
      Argument.variadic({ max: 1 }),
      Argument.withDescription("The job's id (default: all jobs)")
    ),
    server: flags.server,
    program: flags.optional(
      Flag.String("program").pipe(
        Flag.withAlias("p"),
        Flag.withMetavar("name"),
        Flag.withDescription("Only jobs of this program")
      )
    ),
    cursor: flags.optional(
      Flag.String("cursor").pipe(
        Flag.withMetavar("text"),
        Flag.withDescription("Continue a list, with the cursor that it gave")
      )
    ),
    json: flags.json
  },
  {
    short: "List the approvals that wait for a decision",
    long: `List the approvals that wait for a decision, of one job or of all jobs of a server.\n\n${codes}`,
    examples: [{ command: "converge approvals --server http://localhost:8080", description: "Those of all jobs" }]
  },
  (host, options) =>
    lazily(
      () => import("./remote.ts"),
      ({ approvals }) => approvals(host, options)
    )
)

export const approve = define(
  "approve",
  {
    job,
    approval: Argument.String("approval").pipe(Argument.withDescription("The approval's id")),
    server: flags.server,
    reject: Flag.Boolean("reject").pipe(Flag.withDescription("Reject it instead"), Flag.withDefault(false)),
    by: flags.optional(
      Flag.String("by").pipe(
        Flag.withMetavar("name"),
        Flag.withDescription("Who decides (default: the name of the token)")
      )
    ),
    note: flags.optional(
      Flag.String("note").pipe(Flag.withMetavar("text"), Flag.withDescription("The reason, for the record"))
    ),
    json: flags.json
  },
  {
    short: "Decide an approval of a job",
    long: `Decide an approval of a job that a server runs. It answers when the decision is committed.\n\n${codes}`,
    examples: [
      { command: "converge approve audit-42 release --by Ada --server http://localhost:8080", description: "Say yes" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./remote.ts"),
      ({ approve }) => approve(host, options)
    )
)

export const signal = define(
  "signal",
  {
    job,
    server: flags.server,
    fact: Flag.String("fact").pipe(
      Flag.atLeast(1),
      Flag.withMetavar("kind=json"),
      Flag.withDescription("A fact to add, of a kind among the program's signals; may be repeated")
    ),
    json: flags.json
  },
  {
    short: "Add facts to a job from outside",
    long: `Add facts to a job that a server runs, all or none. It answers when they are committed.\n\n${codes}`,
    examples: [
      {
        command: 'converge signal audit-42 --fact \'Note={"text": "stop"}\' --server http://localhost:8080',
        description: "One fact"
      }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./remote.ts"),
      ({ signal }) => signal(host, options)
    )
)

export const pause = define(
  "pause",
  { job, server: flags.server, json: flags.json },
  {
    short: "Pause a job between two cycles",
    long: `Pause a job that a server runs: the cycle under way ends and is committed.\n\n${codes}`,
    examples: [{ command: "converge pause audit-42 --server http://localhost:8080", description: "Pause one job" }]
  },
  (host, options) =>
    lazily(
      () => import("./remote.ts"),
      ({ pause }) => pause(host, options)
    )
)
