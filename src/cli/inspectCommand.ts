/** The command that makes a page of a stored job: its flags and its help. Boundary: a definition; inspect.ts does the work. */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { define } from "./definition.ts"
import * as flags from "./flags.ts"
import { lazily } from "./lazily.ts"

export const inspect = define(
  "inspect",
  {
    args: Argument.String("job").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id, and before it, if you like, the path of its module")
    ),
    id: flags.id,
    store: flags.store,
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription("The page to write, such as report.html")
    ),
    force: Flag.Boolean("force").pipe(Flag.withDescription("Replace the file if it is there"), Flag.withDefault(false)),
    json: flags.json
  },
  {
    short: "Write a job to a page that anybody can open",
    long: `Write a stored job to one file, to attach to a report of a bug. A browser opens it from the disk: it
shows the job as the inspector does, and asks no server. The facts of every cycle are in it.

The page has the input, the facts and the output of the job: look whether you may share them. With
the job's module it has the graph of the program, too. A very large job is not whole in it, and the
page says what it leaves out.

Exit code: 0, or 3 if the journal was changed (the page shows what comes before that), 64 if there is
no such job or file.`,
    examples: [
      { command: "converge inspect audit-42 --store jobs.db --out report.html", description: "A page of one job" },
      {
        command: "converge inspect ./audit.ts audit-42 --store jobs.db --out report.html",
        description: "With the graph of its program"
      }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./inspect.ts"),
      ({ inspect }) => inspect(host, options)
    )
)
