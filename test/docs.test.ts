/**
 * The documentation: its generated parts are current, its examples run, and its links lead somewhere.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { node, projectRoot } from "./support/node.ts"

const pages = ["README.md", "AGENTS.md", "CHANGELOG.md", "SECURITY.md"].concat(
  readdirSync(join(projectRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file))
)

/** The anchors that GitHub makes of a page's headings. */
const headingsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\d\s_-]/gu, "")
      .replaceAll(/\s/g, "-")
  )

describe("the documentation", () => {
  it("has the diagrams, the examples and the API of the code as it is", { timeout: 120_000 }, async () => {
    expect(await node([".ci/docs.ts", "--check"])).toMatchObject({ code: 0, stderr: "" })
  })

  it.each(pages)("links from %s to what exists", (page) => {
    const text = readFileSync(join(projectRoot, page), "utf8").replace(/```[\s\S]*?```/g, "")
    const inline = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)]
    const named = [...text.matchAll(/^\[[^\]]+\]: (?!https?:)([^#\s]+)/gm)]
    const targets = [...inline, ...named].map((match) => match[1]!)
    expect(targets.filter((target) => !existsSync(join(projectRoot, dirname(page), target)))).toEqual([])
  })

  it.each(pages)("links within %s, and from it into other pages, to headings and anchors that exist", (page) => {
    const text = readFileSync(join(projectRoot, page), "utf8").replace(/```[\s\S]*?```/g, "")
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)]
    const lost = links.filter(([, file = "", anchor = ""]) => {
      const target = readFileSync(join(projectRoot, file === "" ? page : join(dirname(page), file)), "utf8")
      return !target.includes(`<a id="${anchor}"></a>`) && !headingsOf(target).includes(anchor)
    })
    expect(lost.map(([link]) => link)).toEqual([])
  })

  it.each(pages)("names in %s no link that is not defined, and defines none that is not named", (page) => {
    const text = readFileSync(join(projectRoot, page), "utf8").replace(/```[\s\S]*?```/g, "")
    const body = text.replace(/^\[[^\]]+\]: .*$/gm, "").replaceAll(/`[^`\n]*`/g, "")
    const defined = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, name = ""]) => name)
    const named = [...body.matchAll(/(?<!\])\[([\w.-]+)\](?!\()/g)].map(([, name = ""]) => name)
    expect([...new Set(named)].toSorted()).toEqual(defined.toSorted())
  })

  it("shows an embedding that converges", async () => {
    const { code, stdout } = await node(["docs/examples/ancestors/embed.ts"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^converged \[[^]*'Ada < Foulweather'[^]*\] [0-9a-f]{8}\n$/)
  })

  it("shows a job that asks before it acts", async () => {
    const { code, stdout } = await node(["docs/examples/approval/refund.ts"])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split("\n")
    // The first payment and the question have no order between them.
    expect(lines.slice(0, 2).sort()).toEqual([
      "B: Pay 500 back?",
      'pays 20 for A under the key monday/1/check/"Refund"/A/0'
    ])
    expect(lines.slice(2)).toEqual([
      'pays 500 for B under the key monday/2/approved/"Decision"/B/0',
      "paid [ 'A', 'B' ]"
    ])
  })

  it("shows a watched job with its events and a derivation tree", async () => {
    const { code, stdout } = await node(["docs/examples/ancestors/watch.ts"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^1 0 JobStarted\n2 1 CycleStarted\n/)
    expect(stdout).toContain("JobHalted\nAncestor/Ada < Jack  (grandparents, cycle 2)\n├─ Ancestor/Ada < Byron")
  })
})
