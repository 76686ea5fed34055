/**
 * The documentation: its generated parts are current, its examples run, and its links lead somewhere.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { node, projectRoot } from "./support/node.ts"

const pages = ["README.md", "AGENTS.md"].concat(
  readdirSync(join(projectRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file))
)

describe("the documentation", () => {
  it("has the diagrams and examples of the code as it is", async () => {
    expect(await node([".ci/docs.ts", "--check"])).toMatchObject({ code: 0, stderr: "" })
  })

  it.each(pages)("links from %s to what exists", (page) => {
    const text = readFileSync(join(projectRoot, page), "utf8").replace(/```[\s\S]*?```/g, "")
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!)
    expect(targets.filter((target) => !existsSync(join(projectRoot, dirname(page), target)))).toEqual([])
  })

  it("shows an embedding that converges", async () => {
    const { code, stdout } = await node(["docs/examples/ancestors/embed.ts"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^converged \[[^]*'Ada < Foulweather'[^]*\] [0-9a-f]{8}\n$/)
  })

  it("shows a job that asks before it acts", async () => {
    const { code, stdout } = await node(["docs/examples/approval/refund.ts"])
    expect(code).toBe(0)
    expect(stdout).toBe(
      'pays 20 for A under the key monday/1/check/"Refund"/A/0\n' +
        'pays 500 for B under the key monday/2/approved/"Decision"/B/0\n' +
        "paid [ 'A', 'B' ]\n"
    )
  })

  it("shows a watched job with its events and a derivation tree", async () => {
    const { code, stdout } = await node(["docs/examples/ancestors/watch.ts"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^1 0 JobStarted\n2 1 CycleStarted\n/)
    expect(stdout).toContain("JobHalted\nAncestor/Ada < Jack  (grandparents, cycle 2)\n└─ Ancestor/Ada < Byron")
  })
})
