/**
 * The command `delete`: its flags and its help. Boundary: the definition; delete.ts has the work.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { define } from "./definition.ts"
import * as flags from "./flags.ts"
import { lazily } from "./lazily.ts"

export const deleteJob = define(
  "delete",
  {
    args: Argument.String("job").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id, and before it, if you like, the path of its module")
    ),
    id: flags.id,
    ...flags.place,
    yes: Flag.Boolean("yes").pipe(
      Flag.withAlias("y"),
      Flag.withDescription("Delete without a question"),
      Flag.withDefault(false)
    ),
    json: flags.json
  },
  {
    short: "Delete one job of a store, or of a server",
    long: `Delete one job of a store, or of a server, with its journal and all jobs below it.

The command asks first on a terminal, and needs --yes elsewhere. A job that an engine runs is
refused: cancel it first. So is a child of a job that has not ended, because its parent has to
read how it ended.

${flags.places}

Exit code: 0, 3 if it was refused, 64 if there is no such job or file, 70 if the server cannot be
reached.`,
    examples: [
      { command: "converge delete audit-42 --store jobs.db", description: "Delete one job, after a question" },
      {
        command: "converge delete audit-42 --yes --server http://localhost:8080",
        description: "Delete one job of a server"
      }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./delete.ts"),
      ({ deleteJob }) => deleteJob(host, options)
    )
)
