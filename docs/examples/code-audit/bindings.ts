/**
 * The uses of names: which module-level names are used as values, which only as types, which members of a namespace
 * import are taken, and what the module loads by calls.
 *
 * This is what decides whether a TypeScript import survives when types are stripped, so it follows scopes: a parameter
 * that shadows an import is no use of it. Only names of interest (imports, local exports) are counted.
 *
 * Boundary: takes a tree, returns values.
 */
import { keyName, type Node, placeOf, type Tree, walk } from "./ast.ts"
import type { Dialect, Unseen } from "./facts.ts"
import {
  isDeferred,
  isHandedOn,
  isLostRequire,
  isMadeRequire,
  type Load,
  loadOf,
  type Names,
  type Way
} from "./loads.ts"
import { metadataNames, nameOf } from "./metadata.ts"
import { importType, isGuarded, isReference, isTypeOnly, memberOf } from "./references.ts"
import { declaringScope, type Scopes } from "./scopes.ts"
import type { Bound } from "./statements.ts"

/** The uses of one module-level name. */
export interface Uses {
  values: number
  types: number
  /** The members taken of it; "*" when it is used as a whole. */
  readonly members: Set<string>
}

/** A specifier that is loaded by a call or named by an import type, in the order of the text. */
export interface Loaded {
  readonly specifier: string
  readonly how: "dynamic" | "require" | "url" | "type"
  readonly names: ReadonlyArray<string>
  readonly line: number
  readonly column: number
  readonly guarded: boolean
  /** Whether it is loaded after the module itself ran. */
  readonly lazy: boolean
}

export interface Bindings {
  readonly uses: ReadonlyMap<string, Uses>
  readonly loaded: ReadonlyArray<Loaded>
  /** Calls of `import()` and `require()` whose argument cannot be read off the text. */
  readonly computed: number
  /** Other ways in which the module loads what no crawl can follow. */
  readonly unseen: ReadonlyArray<Unseen>
}

export interface BindingsInput {
  readonly tree: Tree
  readonly scopes: Scopes
  /** The names to count, which are declared at the top level. */
  readonly interest: ReadonlySet<string>
  readonly bound: ReadonlyMap<string, Bound>
  readonly dialect: Pick<Dialect, "jsx" | "metadata" | "strictNulls">
}

/** Resolves every reference of a module to the names in `interest`, and every load. */
export const analyseBindings = (input: BindingsInput): Bindings => {
  const analysis = new Analysis(input)
  walk(input.tree, analysis)
  return analysis.result()
}

const noUses = (): Uses => ({ values: 0, types: 0, members: new Set() })

class Analysis {
  private readonly input: BindingsInput
  private readonly uses = new Map<string, Uses>()
  private readonly loaded: Array<Loaded> = []
  private readonly ways = new Map<Way, Unseen>()
  /** Specifiers in the lists of AMD, whose files a UMD module requires, too. */
  private readonly amd: Array<{ readonly specifiers: ReadonlyArray<string>; readonly at: Node }> = []
  /** `import A = N.B`: a use of N if A is used. */
  private readonly aliases: Array<{ readonly alias: Uses; readonly target: Uses; readonly member: string }> = []
  private readonly aliasNames: ReadonlySet<string>
  /** The uses of aliases in namespaces, by the scope that declares them. */
  private readonly inScopes = new Map<Node, Map<string, Uses>>()
  private readonly created: Created
  private computed = 0
  private typeDepth = 0

  constructor(input: BindingsInput) {
    this.input = input
    for (const name of input.interest) this.uses.set(name, noUses())
    this.aliasNames = new Set(
      input.tree.nodes.flatMap((node) => (node.type === "TSImportEqualsDeclaration" ? [node.id.name] : []))
    )
    this.created = createdRequires(input)
  }

  readonly enter = (node: Node, ancestors: ReadonlyArray<Node>, key: string): boolean => {
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return false
      case "ExportNamedDeclaration":
        if (node.source != null) return false
        break
      case "ExportSpecifier": {
        const typed =
          node.exportKind === "type" || (ancestors.at(-1) as { readonly exportKind?: unknown }).exportKind === "type"
        this.use(node.local.name, "*", ancestors, typed || this.typeDepth > 0)
        return false
      }
      case "TSImportEqualsDeclaration":
        return this.alias(node, ancestors)
      case "Identifier":
        if (isReference(ancestors, key)) this.reference(node, ancestors, key)
        break
      case "JSXIdentifier":
        if (isJsxReference(node.name, ancestors, key)) this.use(node.name, memberOf(ancestors, key), ancestors)
        break
      case "JSXOpeningElement":
        this.use(this.input.dialect.jsx.element, "*", ancestors)
        break
      case "JSXOpeningFragment":
        this.use(this.input.dialect.jsx.element, "*", ancestors)
        this.use(this.input.dialect.jsx.fragment, "*", ancestors)
        break
      case "TSImportType":
        this.importType(node)
        break
      default:
        this.load(node, ancestors)
    }
    if (this.input.dialect.metadata) this.metadata(node, ancestors)
    if (isTypeOnly(node)) this.typeDepth++
    return true
  }

  readonly leave = (node: Node): void => {
    if (isTypeOnly(node)) this.typeDepth--
  }

  result(): Bindings {
    // An alias may stand for another one: once round for each is enough.
    for (let round = 0; round <= this.aliases.length; round++) {
      for (const { alias, target, member } of this.aliases) {
        if (alias.values + alias.types === 0) continue
        target.values = Math.max(target.values, Math.min(alias.values, 1))
        target.types = Math.max(target.types, 1)
        target.members.add(member)
      }
    }
    const seen = new Set(this.loaded.map(({ specifier }) => specifier))
    for (const { specifiers, at } of this.amd) {
      if (specifiers.some((specifier) => !seen.has(specifier))) this.notSeen("amd", at)
    }
    return { uses: this.uses, loaded: this.loaded, computed: this.computed, unseen: [...this.ways.values()] }
  }

  private use(name: string, member: string, ancestors: ReadonlyArray<Node>, typed = this.typeDepth > 0): void {
    const found = this.usesOf(name, ancestors)
    if (found === undefined) return
    if (typed) found.types++
    else found.values++
    found.members.add(member)
  }

  /** The uses of what a name means at a place; undefined if they are not counted. */
  private usesOf(name: string, ancestors: ReadonlyArray<Node>): Uses | undefined {
    const known = this.uses.get(name)
    if (known === undefined && !this.aliasNames.has(name)) return undefined
    const scope = declaringScope(this.input.scopes, name, ancestors)
    if (scope === undefined || scope === ancestors[0]) return known
    if (scope.type !== "TSModuleBlock" || !this.aliasNames.has(name)) return undefined
    const inScope = this.inScopes.get(scope) ?? new Map<string, Uses>()
    this.inScopes.set(scope, inScope)
    const uses = inScope.get(name) ?? noUses()
    inScope.set(name, uses)
    return uses
  }

  private reference(node: Extract<Node, { type: "Identifier" }>, ancestors: ReadonlyArray<Node>, key: string): void {
    this.use(node.name, memberOf(ancestors, key), ancestors)
    if (node.name !== "require" && !this.created.all.has(node.name)) return
    if (this.typeDepth > 0 || !isHandedOn(node, ancestors, key)) return
    const kind = this.names(ancestors).kindOf(node.name)
    if (kind === "created" || (kind === "host" && node.name === "require")) this.notSeen("handed-on", node)
  }

  private alias(node: Extract<Node, { type: "TSImportEqualsDeclaration" }>, ancestors: ReadonlyArray<Node>): boolean {
    const target = node.moduleReference.type === "TSExternalModuleReference" ? undefined : nameOf(node.moduleReference)
    if (target === undefined) return false
    const typed = node.importKind === "type" || this.typeDepth > 0
    if (node.isExport || typed) this.use(target.name, target.member, ancestors, typed)
    else {
      const [alias, uses] = [this.usesOf(node.id.name, ancestors), this.usesOf(target.name, ancestors)]
      if (alias !== undefined && uses !== undefined) this.aliases.push({ alias, target: uses, member: target.member })
    }
    return false
  }

  private metadata(node: Node, ancestors: ReadonlyArray<Node>): void {
    const owner = ancestors.at(-1)
    const siblings = owner?.type === "ClassBody" ? owner.body : []
    for (const { name, member } of metadataNames(node, siblings, this.input.dialect.strictNulls)) {
      this.use(name, member, [...ancestors, node])
    }
  }

  // ------------------------------------------------------------------------------------------------------- loads

  private names(ancestors: ReadonlyArray<Node>): Names {
    const scopeOf = (name: string): Node | undefined => declaringScope(this.input.scopes, name, ancestors)
    return {
      kindOf: (name) => {
        const scope = scopeOf(name)
        if (scope === undefined) return "host"
        return this.created.names.get(scope)?.has(name) === true ? "created" : "own"
      },
      importOf: (name) =>
        makerOf(name, this.created.renamed) ?? (scopeOf(name) === ancestors[0] ? this.input.bound.get(name) : undefined)
    }
  }

  private load(node: Node, ancestors: ReadonlyArray<Node>): void {
    const names = this.names(ancestors)
    const isLost = this.created.isPossible && isLostRequire(node, ancestors, names)
    const load = loadOf(node, names) ?? (isLost ? { way: "own-require" } : undefined)
    if (load === undefined) return
    if ("specifiers" in load) {
      const lazy = load.how !== "require" || isDeferred(node, ancestors)
      const guarded = load.how === "url" || isGuarded(node, ancestors)
      for (const specifier of load.specifiers) {
        this.loaded.push({ specifier, how: load.how, names: ["*"], ...placeOf(node), guarded, lazy })
      }
    } else if (load.way === "computed") this.computed++
    else if (load.way === "amd") this.amdList(node, load)
    else this.notSeen(load.way, node)
  }

  /** The list of a `define` may name what is required, too: then nothing of it is unseen. */
  private amdList(node: Node, load: Extract<Load, { way: Way }>): void {
    const lists = "arguments" in node ? node.arguments : []
    const list = lists.find((argument) => argument.type === "ArrayExpression")
    if (list?.type !== "ArrayExpression") return this.notSeen(load.way, node)
    const texts = list.elements.map((element) => (element?.type === "StringLiteral" ? element.value : "?"))
    this.amd.push({ specifiers: texts.filter((text) => !/^(require|exports|module)$/.test(text)), at: node })
  }

  private notSeen(way: Way, at: Node): void {
    const known = this.ways.get(way)
    this.ways.set(way, known === undefined ? { way, count: 1, ...placeOf(at) } : { ...known, count: known.count + 1 })
  }

  private importType(node: Node): void {
    const { specifier, name } = importType(node)
    if (specifier === undefined) return
    this.loaded.push({ specifier, how: "type", names: [name], ...placeOf(node), guarded: false, lazy: true })
  }
}

/** Whether a JSX name refers to a variable: a lower-case one, or one with a dash, is that of an HTML element. */
const isJsxReference = (name: string, ancestors: ReadonlyArray<Node>, key: string): boolean => {
  const parent = ancestors.at(-1)
  if (parent?.type === "JSXMemberExpression") return key === "object"
  if (parent?.type !== "JSXOpeningElement" && parent?.type !== "JSXClosingElement") return false
  return !/^[a-z]/.test(name) && !name.includes("-")
}

interface Created {
  /** Whether the file makes a `require` at all. */
  readonly isPossible: boolean
  /** The names, by scope, that hold a `require` of this file. */
  readonly names: ReadonlyMap<Node, ReadonlySet<string>>
  readonly all: ReadonlySet<string>
  /** The other names by which the file calls `createRequire`. */
  readonly renamed: ReadonlySet<string>
}

const createdRequires = ({ tree, scopes, bound }: BindingsInput): Created => {
  const names = new Map<Node, Set<string>>()
  const all = new Set<string>()
  const isPossible = tree.nodes.some((node) => node.type === "Identifier" && node.name === "createRequire")
  if (!isPossible) return { isPossible, names, all, renamed: all }
  const renamed = renamedMakers(tree)
  const importOf = (name: string): Bound | undefined => makerOf(name, renamed) ?? bound.get(name)
  walk(tree, {
    enter: (node, ancestors) => {
      const [to, value] = assigned(node)
      if (to?.type !== "Identifier" || !isMadeRequire(value, { importOf })) return
      const scope = declaringScope(scopes, to.name, ancestors)
      if (scope === undefined) return
      names.set(scope, new Set([...(names.get(scope) ?? []), to.name]))
      all.add(to.name)
    }
  })
  return { isPossible, names, all, renamed }
}

const assigned = (node: Node): readonly [Node?, (Node | null)?] => {
  if (node.type === "VariableDeclarator") return [node.id, node.init ?? null]
  return node.type === "AssignmentExpression" && node.operator === "=" ? [node.left, node.right] : []
}

/** The other names by which a file takes `createRequire` out of what `require("module")` gives. */
const renamedMakers = (tree: Tree): ReadonlySet<string> =>
  new Set(
    tree.nodes.flatMap((node) =>
      node.type === "ObjectProperty" &&
      keyName(node, node.key) === "createRequire" &&
      node.value.type === "Identifier" &&
      node.value.name !== "createRequire"
        ? [node.value.name]
        : []
    )
  )

const makerOf = (name: string, renamed: ReadonlySet<string>): Bound | undefined =>
  renamed.has(name) ? { specifier: "module", imported: "createRequire" } : undefined
