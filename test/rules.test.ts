/**
 * The ids of the rules in docs/semantics.md: unique, consecutive in each section, shown by tests; and each id that code,
 * tests or docs cite is one of them.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { projectRoot } from "./support/node.ts"
import { codeOf } from "./support/houseStyle.ts"

const page = readFileSync(join(projectRoot, "docs/semantics.md"), "utf8")

/** A rule: its anchor, its id, the section that it stands in, and its first paragraph, or row, on one line. */
interface Rule {
  readonly anchor: string
  readonly id: string
  readonly section: string
  readonly text: string
}

const rulesOf = (text: string): ReadonlyArray<Rule> =>
  text.split(/^##+ /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf("\n"))
    return part.split(/\n(?=\n|- |\| )/).flatMap((block) => {
      const [, anchor, id] = /^(?:- |\| )<a id="(\w+)"><\/a>\**([A-Z]+\d+)\b/.exec(block) ?? []
      return anchor === undefined || id === undefined
        ? []
        : [{ anchor, id, section, text: block.replaceAll(/\s*\n\s*/g, " ") }]
    })
  })

const rules = rulesOf(page)
const letters = (id: string): string => id.replace(/\d+$/, "")

/** The mistakes in the numbers of a page's rules. */
const misnumbered = (all: ReadonlyArray<Rule>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const sections = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { anchor, id, section } of all) {
    const prefix = letters(id)
    const expected = `${prefix}${(counts.get(prefix) ?? 0) + 1}`
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
    if (id !== expected) wrong.push(`${id} stands where ${expected} is expected`)
    if (anchor !== id.toLowerCase()) wrong.push(`the anchor of ${id} is ${anchor}`)
    if ((sections.get(prefix) ?? section) !== section) wrong.push(`${id} has the letters of another section`)
    sections.set(prefix, section)
  }
  return wrong
}

/** Names that look like the id of a rule and are none. */
const others: ReadonlySet<string> = new Set(["V8"])

/** The ids in a text that no rule has. */
const unknownIds = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(?<![\w.%/-])[A-Z]{1,2}\d{1,2}\b/g)]
    .map(([id]) => id)
    .filter((id) => !others.has(id) && !rules.some((rule) => rule.id === id))

/** The comments of a source file, and the titles of its tests. */
const proseOf = (source: string): string => {
  const code = codeOf(source, true)
  const comments = Array.from({ length: source.length }, (_, at) =>
    code[at] === source[at] && code[at] !== "\n" ? " " : source[at]
  ).join("")
  const titles = [...source.matchAll(/^\s*(?:it|describe)(?:\.\w+)*\(\s*(["`'])(.*?)\1/gm)].map(
    ([, , title = ""]) => title
  )
  return [comments, ...titles].join("\n")
}

const filesIn = (folder: string, ending: string): ReadonlyArray<string> =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending) && !file.includes("node_modules"))
    .map((file) => join(folder, file))

const sources = ["src", "machines", "test"].flatMap((folder) => filesIn(folder, ".ts"))
const pages = ["README.md", "AGENTS.md", "CHANGELOG.md", "SECURITY.md", ...filesIn("docs", ".md")]
const read = (file: string): string => readFileSync(join(projectRoot, file), "utf8")

describe("the rules of docs/semantics.md", () => {
  it("have unique ids, consecutive in each section", () => {
    expect(rules.length).toBeGreaterThan(80)
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
    expect(misnumbered(rules)).toEqual([])
  })

  it("are all numbered", () => {
    const [, ...sections] = page.split(/^##+ /m).filter((part) => !part.startsWith("Not guaranteed"))
    const items = sections.flatMap((part) => part.split("\n").filter((line) => /^(?:- |\d+\. )/.test(line)))
    expect(items.filter((line) => !line.startsWith('- <a id="'))).toEqual([])
  })

  it("are each shown by a test", () => {
    const shown = /→(?:,? \[[\w.-]+\])+$|\| \[g\d\d[\w-]*\][^|]*\|$/
    expect(rules.filter(({ text }) => !shown.test(text)).map(({ id }) => id)).toEqual([])
  })

  it.each(pages)("are cited in %s by ids that exist", (file) => {
    const prose = read(file)
      .replaceAll(/```[^]*?```/g, "")
      .replaceAll(/`[^`\n]*`/g, "")
    expect(unknownIds(prose)).toEqual([])
  })

  it("are cited in code and tests by ids that exist", () => {
    const wrong = sources.flatMap((file) => unknownIds(proseOf(read(file))).map((id) => `${file} cites ${id}`))
    expect(wrong).toEqual([])
  })
})

describe("the check can fail", () => {
  const numbered = (...lines: ReadonlyArray<string>) => misnumbered(rulesOf(lines.join("\n")))
  const rule = (id: string, anchor = id.toLowerCase()) => `- <a id="${anchor}"></a>**${id}** A rule. → [g01]`

  it("on a gap, a repetition, a wrong anchor, and letters of another section", () => {
    expect(numbered("## One", rule("X1"), rule("X2"), "## Two", rule("Y1"))).toEqual([])
    expect(numbered("## One", rule("X1"), rule("X3"))).toHaveLength(1)
    expect(numbered("## One", rule("X1"), rule("X1"))).toHaveLength(1)
    expect(numbered("## One", rule("X1", "x2"))).toHaveLength(1)
    expect(numbered("## One", rule("X1"), "## Two", rule("X2"))).toHaveLength(1)
  })

  it("on an id that no rule has, in a comment or a title, and nowhere else", () => {
    expect(unknownIds(proseOf("/** The order is M1's, not M99's (V8, UTF-16). */ const Z9 = 'Z9'"))).toEqual(["M99"])
    expect(unknownIds(proseOf('it("merges (M98)", () => {})'))).toEqual(["M98"])
  })
})
