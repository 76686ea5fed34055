/**
 * docs/api.md, and the list of public names: both from the same walk over what the package exports.
 *
 * Boundary: Markdown. What a name is, is describe.ts'.
 */
import { format } from "oxfmt"
import { describe, type Description } from "./describe.ts"
import { type Docstring, readDocstring, sentencesOf } from "./docstring.ts"
import type { Entry, Exported, Names } from "./exports.ts"
import type { Field } from "./typeText.ts"

type Declared = Extract<Exported, { readonly type: "declared" }>
type Namespace = Extract<Exported, { readonly type: "module" }>

/** A public name where it is shown. */
interface Shown {
  readonly path: string
  readonly exported: Declared
  readonly description: Description
}

interface Section {
  readonly entry: Entry
  readonly path: string
  readonly source: string
  readonly header: string
  readonly names: ReadonlyArray<Shown>
}

/* ---------------------------------------------------------------- names */

/** Every public name of every entry, sorted, types included: `effect-converge Agent.make`. */
export const publicNames = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.flatMap(({ names, specifier }) =>
    pathsOf(names, "")
      .toSorted()
      .map((path) => `${specifier} ${path}`)
  )

const pathsOf = (names: Names, prefix: string): ReadonlyArray<string> =>
  [...names].flatMap(([name, exported]) => [
    ...(exported.type === "module" ? [] : [prefix + name]),
    ...pathsOf(exported.names, `${prefix}${name}.`)
  ])

/* ---------------------------------------------------------------- sections */

const sectionsOf = (entry: Entry, names: Names, prefix: string): ReadonlyArray<Section> =>
  [...names].flatMap(([name, exported]) => {
    const path = prefix + name
    if (exported.type === "module") {
      return [sectionOf(entry, path, exported), ...sectionsOf(entry, modulesOf(exported.names), `${path}.`)]
    }
    const { header, source } = exported.module
    const shown = shownOf(new Map([[name, exported]]), prefix)
    return [{ entry, path, source, header, names: shown }]
  })

const sectionOf = (entry: Entry, path: string, { module, names }: Namespace): Section => ({
  entry,
  path,
  source: module.source,
  header: module.header,
  names: shownOf(names, `${path}.`)
})

const modulesOf = (names: Names): Names => new Map([...names].filter(([, exported]) => exported.type === "module"))

const order = [
  "function",
  "layer",
  "effect",
  "service",
  "reference",
  "class",
  "kind of facts",
  "constant",
  "constants",
  "schema",
  "error"
]

/** Values first, then errors, then types; among them as they are exported, a namespace's members behind it. */
const shownOf = (names: Names, prefix: string): ReadonlyArray<Shown> => {
  const own = [...names].flatMap(([name, exported]): ReadonlyArray<Shown> =>
    exported.type === "module" ? [] : [{ path: prefix + name, exported, description: describe(exported) }]
  )
  const rank = ({ description: { kind } }: Shown): number => (order.includes(kind) ? order.indexOf(kind) : order.length)
  return own
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap((shown) => [shown, ...shownOf(shown.exported.names, `${shown.path}.`)])
}

/* ---------------------------------------------------------------- text */

/** A text outside of code, as Markdown shows it; in a cell. */
const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith("`") ? part : part.replace(/[<*]/g, (mark) => (mark === "<" ? "&lt;" : `\\${mark}`))
    )
    .join("")
    .replace(/\|/g, "\\|")

const code = (text: string): string => {
  if (text === "") return ""
  const escaped = text.replace(/\|/g, "\\|")
  return text.includes("`") ? `\`\` ${escaped} \`\`` : `\`${escaped}\``
}

const table = (heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const kept = heads.map((_, column) => column === 0 || rows.some((row) => row[column] !== ""))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.filter((_, column) => kept[column]).join(" | ")} |`
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n")
}

/** The anchor that GitHub gives a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replace(/ /g, "-")

class Page {
  /** Where each declaration is shown in full: its first path, or that of the namespace that declares it. */
  readonly #homes = new Map<unknown, string>()
  /** The paths of errors, by their name. */
  readonly #errors = new Map<string, string>()
  readonly #sections: ReadonlyArray<Section>

  constructor(sections: ReadonlyArray<Section>) {
    this.#sections = sections
    for (const { names, source } of sections) {
      for (const { exported, path } of names) {
        const key = exported.declarations[0]
        if (!this.#homes.has(key) || exported.module.source === source) this.#homes.set(key, path)
      }
    }
    for (const { names } of sections) {
      for (const { description, exported } of names) {
        const home = this.#homes.get(exported.declarations[0])
        const name = exported.name
        if (home !== undefined && description.kind === "error" && !this.#errors.has(name)) this.#errors.set(name, home)
        if (home !== undefined && description.kind === "type" && name.endsWith("Error")) this.#errors.set(name, home)
      }
    }
  }

  /** A failure's sentences and, of what the type says, the names that they do not have. */
  #errorsText(doc: Docstring, names: ReadonlyArray<string>): string {
    const said = doc.failures.map((sentence) =>
      prose(sentence).replace(/`(\w+)`/g, (whole, name: string) => this.#error(name) ?? whole)
    )
    const unsaid = names.filter((name) => !doc.failures.some((sentence) => sentence.includes(`\`${name}\``)))
    const links = unsaid.filter((name) => name.length > 1).map((name) => this.#error(name) ?? code(name))
    return [...said, links.join(", ")].filter((text) => text !== "").join(" ")
  }

  #error(name: string): string | undefined {
    const path = this.#errors.get(name)
    return path === undefined ? undefined : `[\`${name}\`](#${path})`
  }

  #row({ description, exported, path }: Shown): ReadonlyArray<string> {
    const home = this.#homes.get(exported.declarations[0])
    const { doc, errors, kind, signature } = description
    const anchor = `<a id="${path}"></a>`
    if (home !== undefined && home !== path) {
      return [`${anchor}\`${path}\``, kind, `see [\`${home}\`](#${home})`, prose(doc.sentences[0] ?? ""), "", ""]
    }
    const name = this.#hasTable(description)
      ? `[\`${path}\`](#${slug(fieldsHeading(path, description))})`
      : `\`${path}\``
    const failures = isType(description) ? "" : this.#errorsText(doc, errors)
    return [anchor + name, kind, code(signature), prose(doc.sentences[0] ?? ""), prose(doc.defaultsTo ?? ""), failures]
  }

  #hasTable(description: Description): boolean {
    return description.fields.length > 0 || valuesOf(description).length > 0
  }

  #fields(shown: Shown): ReadonlyArray<string> {
    const { description, exported, path } = shown
    if (this.#homes.get(exported.declarations[0]) !== path || !this.#hasTable(description)) return []
    const heading = `#### ${fieldsHeading(path, description)}`
    const values = valuesOf(description)
    if (values.length > 0) {
      return [
        heading,
        table(
          ["value", "meaning"],
          values.map(([value, text]) => [code(value), prose(text)])
        )
      ]
    }
    const also = description.extends === undefined ? [] : [`Also has what ${code(description.extends)} has.`]
    return [
      heading,
      ...also,
      description.fieldsAre === "constants" ? constantsTable(description.fields) : this.#fieldTable(description.fields)
    ]
  }

  #fieldTable(fields: ReadonlyArray<Field>): string {
    return table(
      ["field", "type", "what it is", "default", "errors"],
      fields.map((field) => {
        const doc = readDocstring(field.comment)
        const name = code(field.name + (field.isOptional ? "?" : ""))
        const failures = /=>|Effect<|Stream<|Layer</.test(field.type) ? this.#errorsText(doc, field.errors) : ""
        const said = doc.sentences.filter((sentence) => failures === "" || !doc.failures.includes(sentence))
        return [name, code(field.type), prose(fitting(said)), prose(doc.defaultsTo ?? ""), failures]
      })
    )
  }

  async section(section: Section): Promise<string> {
    const { header, names, path, source } = section
    const declarations = names.flatMap((shown) => {
      const isHome = this.#homes.get(shown.exported.declarations[0]) === shown.path
      const { declaration } = shown.description
      return isHome && declaration !== undefined && valuesOf(shown.description).length === 0 ? [declaration] : []
    })
    const heads = ["name", "kind", "signature", "what it is", "default", "errors"]
    return [
      `## ${path}`,
      `${prose(introduction(header))} ([source](../${source}))`,
      table(
        heads,
        names.map((shown) => this.#row(shown))
      ),
      ...names.flatMap((shown) => this.#fields(shown)),
      ...(declarations.length === 0 ? [] : [await details(declarations)])
    ].join("\n\n")
  }

  contents(entry: Entry): string {
    const rows = this.#sections
      .filter((section) => section.entry === entry)
      .map(({ header, path }) => [`[\`${path}\`](#${slug(path)})`, prose(sentencesOf(introduction(header))[0] ?? "")])
    return table([`\`${entry.specifier}\``, "what it is"], rows)
  }
}

const isType = ({ kind }: Description): boolean => kind === "type" || kind === "interface" || kind === "error"

/** The first sentence, and as many more as there is room for. */
const fitting = (sentences: ReadonlyArray<string>): string => {
  let room = 240
  return sentences.filter((sentence, index) => (room -= sentence.length + 1) > 0 || index === 0).join(" ")
}

/** The first paragraph of a header. */
const introduction = (header: string): string => (header.split(/\n\s*\n/)[0] ?? "").replace(/\s+/g, " ")

const fieldsHeading = (path: string, description: Description): string =>
  description.fieldsAre === "options"
    ? `Options of ${path}`
    : description.fieldsAre === "constants"
      ? `Values of ${path}`
      : path

/** The meanings of a type's values, if its docstring lists them. */
const valuesOf = ({ doc, fields, kind }: Description): ReadonlyArray<readonly [string, string]> =>
  kind === "type" && fields.length === 0 ? [...doc.points] : []

/** Constants with their values; one without a docstring shares that of the one before. */
const constantsTable = (fields: ReadonlyArray<Field>): string => {
  const groups: Array<Array<Field>> = []
  for (const field of fields) {
    if (field.comment === "" && groups.length > 0) groups.at(-1)?.push(field)
    else groups.push([field])
  }
  const rows = groups.map((group) => [
    group.map(({ name }) => code(name)).join("<br>"),
    group.map(({ type, value }) => digits(value ?? type)).join("<br>"),
    prose((group[0]?.comment ?? "").replace(/\s+/g, " "))
  ])
  return table(["name", "value", "what it bounds"], rows)
}

const digits = (value: string): string => (/^\d+$/.test(value) ? Number(value).toLocaleString("en-US") : code(value))

const details = async (declarations: ReadonlyArray<string>): Promise<string> => {
  const source = declarations.join("\n\n")
  const { code: text, errors } = await format("declarations.d.ts", source, {
    printWidth: 100,
    semi: false,
    trailingComma: "none"
  })
  if (errors.length > 0) throw new Error(`declarations that cannot be formatted:\n${source}`)
  return `<details><summary>Whole declarations</summary>\n\n\`\`\`ts\n${text.trimEnd()}\n\`\`\`\n\n</details>`
}

/** The page. */
export const apiPage = async (entries: ReadonlyArray<Entry>): Promise<string> => {
  const sections = entries.flatMap((entry) => sectionsOf(entry, entry.names, ""))
  const page = new Page(sections)
  const parts = [
    "# The public API",
    "Every public name of the package, from its types and docstrings. `npm run docs` writes this page; change the sources instead.",
    [
      "A field with `?` may be left out. Errors are typed failures of the Effect, Stream or Layer, but for what is thrown.",
      'A namespace is imported whole: `import { Agent } from "effect-converge"`, then `Agent.make`.'
    ].join(" "),
    ...entries.map((entry) => page.contents(entry))
  ]
  for (const section of sections) parts.push(await page.section(section))
  return `${parts.join("\n\n")}\n`
}

/* ---------------------------------------------------------------- gaps */

/** The gaps of the page: names and options without a description, and options without a default. */
export const unsaid = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries
    .flatMap((entry) => sectionsOf(entry, entry.names, ""))
    .flatMap(({ names }) => names)
    .flatMap(({ description, path }) => {
      const { doc, fields, fieldsAre } = description
      const isOptions = fieldsAre === "options" || path.endsWith("Options")
      return [
        ...(doc.sentences.length === 0 ? [`${path}: what it is`] : []),
        ...(isOptions ? fields : []).flatMap((field) => {
          const { defaultsTo, sentences } = readDocstring(field.comment)
          const gaps = [
            sentences.length === 0 ? "what it is" : "",
            field.isOptional && defaultsTo === undefined ? "its default" : ""
          ]
          return gaps.filter((gap) => gap !== "").map((gap) => `${path}, ${field.name}: ${gap}`)
        })
      ]
    })
