/**
 * The public face: which names the package exports, and that docs/api.md says of each what it is.
 *
 * test/types/public-names.txt holds the list, types included, made by the same walk as docs/api.md. A name that comes or goes
 * is a decision: look at it, accept it with `npm run unit -- test/api.test.ts -u`, and run `npm run docs`.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { readEntries } from "../.ci/api/exports.ts"
import { publicNames, unsaid } from "../.ci/api/page.ts"
import { projectRoot } from "./support/node.ts"

const entries = readEntries()

/** Names of the inside, which no entry may export. */
const inside: ReadonlyArray<string> = [
  ...["Agent.AgentTypeId", "Agent.ErasedAgent", "Agent.defineAgent", "Agent.eraseAgent"],
  ...["AgentEffect.EncodedEffect", "AgentEffect.EncodedFact", "AgentEffect.EncodedIntent", "AgentEffect.emptyEffect"],
  ...[
    "AgentEffect.intentKey",
    "AgentEffect.namePart",
    "Budget.ResolvedBudget",
    "Budget.resolve",
    "Budget.resolveBudget"
  ],
  ...["Canonical.deepFreeze", "Canonical.freezeFresh", "Canonical.parseCanonical", "Canonical.parseCanonicals"],
  ...["Canonical.isTooDeep", "Canonical.tooDeep"],
  ...["Fact.ErasedKind", "Fact.KindTypeId", "Fact.eraseKind", "Fact.refKey", "Invariant.violationOf"],
  ...["JobContext.ContextParts", "JobContext.Entry", "JobContext.Ledger", "JobContext.Story", "JobContext.traceKey"],
  ...["JobContext.utf8Length", "JobError.fromCause"],
  ...["JobEvent.LogRecord", "JobEvent.countOf", "JobEvent.eventsOf", "JobEvent.lengthOf"],
  ...["Program.CompiledProgram", "Program.ProgramTypeId", "Program.compiledOf"],
  ...["Server.Problems.commonProblems", "Server.Problems.jobProblems", "Server.Shapes.Read", "Server.Shapes.liveStates"]
]

describe("the public names", () => {
  it("are those of test/types/public-names.txt; to accept others: npm run unit -- test/api.test.ts -u", async () => {
    await expect(`${publicNames(entries).join("\n")}\n`).toMatchFileSnapshot("types/public-names.txt")
  })

  it("have none of the inside among them", () => {
    const names = publicNames(entries).map((name) => name.split(" ")[1]!)
    expect(names.filter((name) => inside.includes(name))).toEqual([])
  })

  it("say what they are and, where they are options, what they are by default", () => {
    expect(unsaid(entries)).toEqual([])
  })
})

describe("docs/api.md", () => {
  const text = readFileSync(join(projectRoot, "docs/api.md"), "utf8").replace(/```[\s\S]*?```/g, "")
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!.toLowerCase().replace(/[^\w\- ]/g, ""))
  const anchors = [...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]!)
  const places = [...anchors, ...headings.map((heading) => heading.replace(/ /g, "-"))]

  it("links to places of its own that exist", () => {
    const targets = [...text.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!)
    expect(targets.filter((target) => !places.includes(target))).toEqual([])
  })

  it("has no two places of one name", () => {
    expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([])
  })

  it("has as many cells in each row as its table has columns", () => {
    const rows = text
      .split("\n")
      .map((line) => (line.startsWith("|") ? line.replace(/\\\|/g, "").split("|").length : 0))
    expect(rows.filter((cells, index) => cells > 0 && rows[index - 1]! > 0 && cells !== rows[index - 1])).toEqual([])
  })
})
