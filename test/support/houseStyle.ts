/**
 * The house style as functions from source text to complaints. test/tidy.test.ts runs them over the project and proves
 * that each of them can fail.
 *
 * Boundary: no parser, a scan of the text with comments, strings and regular expressions blanked. It reads the dialect
 * that the formatter writes. Rules that need a syntax tree are in syntax.ts, those about folders in rooms.ts.
 */

export interface SourceFile {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

export interface Import {
  readonly specifier: string
  /** A file of the project, when the specifier is relative. */
  readonly target: string | undefined
  /** `import type` and `export type`, which the compiler erases. */
  readonly isType: boolean
}

/** A place where a file does what a rule bans, unless an allowance names it. */
export interface Use {
  /** How an allowance names it. */
  readonly name: string
  readonly text: string
  readonly line: number
}

/** Lets the files under `path` (a file, or a folder that ends in "/") use what a rule bans. */
export interface Allowance {
  readonly path: string
  readonly uses: ReadonlyArray<string>
  readonly reason: string
}

/* ---------------------------------------------------------------- text */

/**
 * Blanks what is not code. Offsets and line numbers stay. With `keepStrings`, string literals stay too (import
 * specifiers are strings).
 */
export const codeOf = (text: string, keepStrings = false): string => {
  const out = text.split("")
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " "
  }
  // One entry for each template literal we are inside of: the depth of braces of its ${...}.
  const templates: Array<number> = []
  let depth = 0
  let lastToken = ""
  let at = text.startsWith("#!") ? text.indexOf("\n") : 0
  blank(0, at)

  const template = (from: number): number => {
    let i = from
    for (; i < text.length; i++) {
      if (text[i] === "\\") i++
      else if (text[i] === "`") {
        if (!keepStrings) blank(from, i)
        return i + 1
      } else if (text[i] === "$" && text[i + 1] === "{") {
        if (!keepStrings) blank(from, i)
        templates.push(depth)
        depth++
        return i + 2
      }
    }
    return i
  }

  while (at < text.length) {
    const char = text[at] as string
    const pair = text.slice(at, at + 2)
    if (pair === "//") {
      const end = text.indexOf("\n", at)
      const to = end === -1 ? text.length : end
      blank(at, to)
      at = to
    } else if (pair === "/*") {
      const end = text.indexOf("*/", at + 2)
      const to = end === -1 ? text.length : end + 2
      blank(at, to)
      at = to
    } else if (char === '"' || char === "'") {
      let i = at + 1
      while (i < text.length && text[i] !== char && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1
      if (!keepStrings) blank(at + 1, i)
      lastToken = char
      at = i + 1
    } else if (char === "`") {
      lastToken = char
      at = template(at + 1)
    } else if (char === "/" && !/^(?:[\w$)\]}"'`]|)$/.test(endsOperand(lastToken))) {
      let i = at + 1
      for (let inClass = false; i < text.length && text[i] !== "\n" && (inClass || text[i] !== "/"); i++) {
        if (text[i] === "\\") i++
        else if (text[i] === "[") inClass = true
        else if (text[i] === "]") inClass = false
      }
      blank(at + 1, i)
      lastToken = '"'
      at = i + 1
    } else if (char === "{") {
      depth++
      lastToken = char
      at++
    } else if (char === "}") {
      depth--
      lastToken = char
      at++
      if (templates.at(-1) === depth) {
        templates.pop()
        at = template(at)
        lastToken = "`"
      }
    } else if (/[\w$]/.test(char)) {
      const word = /^[\w$]+/.exec(text.slice(at, at + 200))?.[0] ?? char
      lastToken = word
      at += word.length
    } else {
      if (!/\s/.test(char)) lastToken = char
      at++
    }
  }
  return out.join("")
}

/** The sign that tells a division from the beginning of a regular expression: keywords are not operands. */
const endsOperand = (token: string): string => {
  if (/^(?:return|typeof|case|in|of|do|else|void|delete|yield|await|instanceof)$/.test(token)) return "("
  return token === "" ? "(" : token.slice(-1)
}

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length

/* ---------------------------------------------------------------- imports */

/** Gives what was found in a file before: many rules ask the same. */
export const once = <A>(find: (file: SourceFile) => A): ((file: SourceFile) => A) => {
  const known = new WeakMap<SourceFile, A>()
  return (file) => {
    const present = known.get(file)
    if (present !== undefined) return present
    const found = find(file)
    known.set(file, found)
    return found
  }
}

/** Every import and re-export, types included, static or dynamic. */
export const importsOf = once((file: SourceFile): ReadonlyArray<Import> => {
  const text = codeOf(file.text, true)
  const patterns = [
    /(?:^|[\n;])[ \t]*(?:import|export)\b\s*(?<type>type\b\s*(?!from\b|,))?[\w$*{},\s]*?\bfrom\s*["'](?<specifier>[^"'\n]+)["']/g,
    /(?:^|[\n;])[ \t]*import\s*["'](?<specifier>[^"'\n]+)["']/g,
    /\bimport\s*\(\s*["'](?<specifier>[^"'\n]+)["']/g
  ]
  const found = new Map<string, Import>()
  for (const pattern of patterns) {
    for (const { groups } of text.matchAll(pattern)) {
      const specifier = groups?.["specifier"] as string
      const isType = groups?.["type"] !== undefined
      found.set(`${specifier} ${isType}`, { specifier, target: resolve(file.path, specifier), isType })
    }
  }
  return [...found.values()]
})

const resolve = (from: string, specifier: string): string | undefined => {
  if (!specifier.startsWith(".")) return undefined
  const segments = from.split("/").slice(0, -1)
  for (const segment of specifier.split("/")) {
    if (segment === "..") segments.pop()
    else if (segment !== ".") segments.push(segment)
  }
  return segments.join("/")
}

export const isUnder = (path: string, place: string): boolean =>
  place.endsWith("/") ? path.startsWith(place) : path === place

/* ---------------------------------------------------------------- rules over one file */

interface Ban {
  /** How an allowance names it. */
  readonly name: string
  readonly pattern: RegExp
}

/** Time, randomness, threads, promises and runtimes come through services; types are not switched off. */
const bans: ReadonlyArray<Ban> = [
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"].map((name) => ({
    name,
    pattern: new RegExp(`\\b${name}\\b`, "g")
  })),
  { name: "Date.now", pattern: /\bDate\s*\.\s*now\b/g },
  { name: "new Date", pattern: /\bnew\s+Date\b/g },
  { name: "performance.now", pattern: /\bperformance\s*\.\s*now\b/g },
  { name: "process.hrtime", pattern: /\bprocess\s*\.\s*hrtime\b/g },
  { name: "Math.random", pattern: /\bMath\s*\.\s*random\b/g },
  { name: "randomUUID", pattern: /\b(?:randomUUID|randomBytes|getRandomValues)\b/g },
  { name: "new Promise", pattern: /\bnew\s+Promise\b/g },
  { name: "Promise", pattern: /\bPromise\s*\.\s*\w+/g },
  { name: "Effect.run", pattern: /\brun(?:Sync|Promise|Fork|Callback)(?:Exit)?(?:With)?\b/g },
  { name: "new Worker", pattern: /\bnew\s+(?:\w+\s*\.\s*)?Worker\b/g },
  { name: "async", pattern: /(?<![.\w])async\b(?!\s*[:=,)}\]?])/g },
  { name: "await", pattern: /(?<![.\w])await\b(?!\s*[:=,)}\]?])/g },
  { name: "any", pattern: /\bas\s+any\b|:\s*any\b/g }
]

export const checkBans = (file: SourceFile, allowances: ReadonlyArray<Allowance>): ReadonlyArray<string> => {
  const complaints = [...checkUses([file], allowances, banUses)]
  for (const match of file.text.matchAll(/@ts-(?:ignore|nocheck)\b/g)) {
    complaints.push(`${file.path}:${lineOf(file.text, match.index)} uses ${match[0]}`)
  }
  return complaints
}

const codeOfFile = once(({ text }) => codeOf(text))

const findUses = (file: SourceFile, of: ReadonlyArray<Ban>): ReadonlyArray<Use> => {
  const code = codeOfFile(file)
  return of.flatMap(({ name, pattern }) =>
    [...code.matchAll(pattern)].map((match) => ({ name, text: `uses ${match[0]}`, line: lineOf(code, match.index) }))
  )
}

/** Where a file uses what src must take from services. */
export const banUses = (file: SourceFile): ReadonlyArray<Use> => [
  ...findUses(file, bans),
  ...importsOf(file)
    .filter(({ specifier }) => specifier.startsWith("node:"))
    .map(({ specifier }) => ({ name: "node:", text: `uses ${specifier}`, line: 1 }))
]

/** A test waits for a condition or moves a clock of its own; it does not let time pass and hope. */
const sleeps: ReadonlyArray<Ban> = [
  { name: "setTimeout", pattern: /\bset(?:Timeout|Interval)\b/g },
  { name: "Effect.sleep", pattern: /\bEffect\s*\.\s*(?:sleep|delay)\b/g },
  { name: "Atomics.wait", pattern: /\bAtomics\s*\.\s*wait\b/g }
]

/** Where a test lets time pass. */
export const sleepUses = (file: SourceFile): ReadonlyArray<Use> => findUses(file, sleeps)

/** The uses that no allowance covers. `usesOf` says what a file does that its rule bans. */
export const checkUses = (
  files: ReadonlyArray<SourceFile>,
  allowances: ReadonlyArray<Allowance>,
  usesOf: (file: SourceFile) => ReadonlyArray<Use>
): ReadonlyArray<string> =>
  files.flatMap((file) => {
    const allowed = new Set(allowances.filter((a) => isUnder(file.path, a.path)).flatMap((a) => a.uses))
    return usesOf(file)
      .filter(({ name }) => !allowed.has(name))
      .map(({ line, text }) => `${file.path}:${line} ${text}`)
  })

/** An allowance must be needed, by a file that is there, and says why. */
export const checkAllowances = (
  files: ReadonlyArray<SourceFile>,
  allowances: ReadonlyArray<Allowance>,
  usesOf: (file: SourceFile) => ReadonlyArray<Use>
): ReadonlyArray<string> =>
  allowances.flatMap(({ path, reason, uses }) => {
    const under = files.filter((file) => isUnder(file.path, path))
    const used = new Set(under.flatMap(usesOf).map((use) => use.name))
    const unused = uses
      .filter((name) => !used.has(name))
      .map((name) => `${path} is allowed ${name} and does not use it`)
    return reason === "" ? [...unused, `${path} is allowed ${uses.join(", ")} for no reason`] : unused
  })

/** A file opens with a comment: its job, its boundary, its invariants. */
export const checkHeader = (file: SourceFile): ReadonlyArray<string> =>
  /^(?:#![^\n]*\n)?\s*(?:\/\*|\/\/)/.test(file.text) ? [] : [`${file.path} has no header comment`]

export const checkLength = (file: SourceFile, limitLines: number): ReadonlyArray<string> => {
  const lines = file.text.replace(/\n$/, "").split("\n").length
  return lines > limitLines ? [`${file.path} has ${lines} lines, more than ${limitLines}`] : []
}

export interface ImportRules {
  /** Packages that package.json depends on. */
  readonly packages: ReadonlyArray<string>
  /** Where a folder of `effect` that may change between minor versions is imported: "effect/<key>/..." */
  readonly unstable: Readonly<Record<string, ReadonlyArray<string>>>
  /** Where the platform's package is imported. */
  readonly platform: ReadonlyArray<string>
}

export const checkImports = (file: SourceFile, rules: ImportRules): ReadonlyArray<string> =>
  importsOf(file).flatMap(({ specifier }) => {
    const complain = (reason: string) => [`${file.path} imports ${specifier}: ${reason}`]
    const isIn = (places: ReadonlyArray<string>) => places.some((place) => isUnder(file.path, place))
    if (specifier.startsWith(".")) {
      return /\.(?:ts|json)$/.test(specifier) ? [] : complain("a relative import names the .ts file")
    }
    if (specifier.startsWith("node:")) return []
    const [scope, name, ...rest] = specifier.split("/")
    const isScoped = specifier.startsWith("@")
    const packageName = isScoped ? `${scope}/${name}` : (scope as string)
    if (!rules.packages.includes(packageName)) return complain("not a dependency in package.json")
    const path = isScoped ? rest : [name, ...rest].filter((segment) => segment !== undefined)
    if (packageName === "effect" || packageName.startsWith("@effect/")) {
      if (path.length === 0) return complain("a barrel, import the submodule")
    }
    if (packageName === "@effect/platform-node" && !isIn(rules.platform))
      return complain("only adapters touch the platform")
    const folder = packageName === "effect" && /^[a-z]/.test(path[0] ?? "") ? path[0] : undefined
    if (folder !== undefined) {
      if (path.length === 1) return complain("a barrel, import the submodule")
      const places = rules.unstable[folder]
      if (places === undefined) return complain("an unstable module that has no place yet")
      if (!isIn(places)) return complain(`unstable, only ${places.join(", ")} may`)
    }
    return []
  })

/** machines/ import xstate and types: data to look at and draw, with nothing behind it. */
export const checkMachine = (file: SourceFile): ReadonlyArray<string> =>
  importsOf(file)
    .filter(({ isType }) => !isType)
    .filter(({ specifier }) => specifier !== "xstate" && !specifier.startsWith("xstate/"))
    .filter(({ target }) => target?.startsWith("machines/") !== true)
    .map(({ specifier }) => `${file.path} imports ${specifier}: machines import only xstate and types`)

/* ---------------------------------------------------------------- rules over the graph of imports */

/** Groups of files that import each other, types included, each in the order of their names. */
export const findCycles = (files: ReadonlyArray<SourceFile>): ReadonlyArray<ReadonlyArray<string>> => {
  const paths = new Set(files.map((file) => file.path))
  const targets = (file: SourceFile) => importsOf(file).flatMap(({ target }) => target ?? [])
  return circlesOf(new Map(files.map((file) => [file.path, targets(file).filter((target) => paths.has(target))])))
}

/** Groups of nodes of which each is reached from each other (Tarjan's algorithm). A node that points at itself is one. */
export const circlesOf = (edges: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<ReadonlyArray<string>> => {
  const index = new Map<string, number>()
  const stack: Array<string> = []
  const circles: Array<ReadonlyArray<string>> = []
  const visit = (node: string): number => {
    const own = index.size
    index.set(node, own)
    stack.push(node)
    let lowest = own
    for (const target of edges.get(node) ?? []) {
      if (!index.has(target)) lowest = Math.min(lowest, visit(target))
      else if (stack.includes(target)) lowest = Math.min(lowest, index.get(target) as number)
    }
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(node))
      if (group.length > 1 || edges.get(node)?.includes(node) === true) circles.push(group.toSorted())
    }
    return lowest
  }
  for (const node of edges.keys()) if (!index.has(node)) visit(node)
  return circles
}

/** No file of `from` reaches, by any path of imports (types too), a file or package of `to`. */
export const checkReach = (
  files: ReadonlyArray<SourceFile>,
  from: ReadonlyArray<string>,
  to: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return from.flatMap((start) => {
    const seen = new Set([start])
    const queue: Array<ReadonlyArray<string>> = [[start]]
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const file = byPath.get(path.at(-1) as string)
      if (file === undefined) continue
      for (const { specifier, target } of importsOf(file)) {
        const next = target ?? specifier
        if (to.some((place) => isUnder(next, place))) return [[...path, next].join(" -> ")]
        if (seen.has(next)) continue
        seen.add(next)
        queue.push([...path, next])
      }
    }
    return []
  })
}

/* ---------------------------------------------------------------- rules over every tracked file */

/** A file must mean the same on every machine: no absolute path of one, no address of a package registry. */
export const checkPortable = (file: SourceFile): ReadonlyArray<string> => {
  const patterns = [
    /(?<![\w.~@/-])\/(?:root|home|work|workspace|Users)\/[\w.-]+/g,
    /\bregistry\.[\w.-]+\.(?:com|org|net|io|dev|cloud)\b|https?:\/\/[\w.-]*registry[\w.-]*|\bregistry\s*=\s*https?:\S+/gi,
    /"resolved"\s*:/g
  ]
  return patterns.flatMap((pattern) =>
    [...file.text.matchAll(pattern)].map((match) => `${file.path}:${lineOf(file.text, match.index)} has ${match[0]}`)
  )
}
