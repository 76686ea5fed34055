/**
 * Who refers to what: which module-level names are used as values, which only as types, which members of a namespace
 * import are taken, and which calls of `require` and `import()` are real ones.
 *
 * This is what decides whether a TypeScript import survives when types are stripped, so it follows scopes: a parameter
 * that shadows an import is no use of it. Only names of interest (imports, local exports, `require`) are tracked.
 *
 * Boundary: takes a tree, returns values.
 */
import { isFunction, literals, type Node, patternNames, type Tree, type Visitor, walk } from "./ast.ts"
import { importType, isGuarded, isReference, isTypeOnly, memberOf } from "./references.ts"

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
  readonly how: "dynamic" | "require" | "type"
  readonly names: ReadonlyArray<string>
  readonly line: number
  readonly guarded: boolean
}

export interface Bindings {
  readonly uses: ReadonlyMap<string, Uses>
  readonly loaded: ReadonlyArray<Loaded>
  /** Calls of `import()` and `require()` whose argument cannot be read off the text. */
  readonly computed: number
}

/** Resolves every reference of a module to the names in `interest`, which are declared at its top level. */
export const analyseBindings = (tree: Tree, interest: ReadonlySet<string>): Bindings => {
  const scopes = declaredNames(tree, new Set([...interest, "require"]))
  const uses = new Map<string, Uses>()
  for (const name of interest) uses.set(name, { values: 0, types: 0, members: new Set() })
  const loaded: Array<Loaded> = []
  let computed = 0
  let typeDepth = 0

  const isShadowed = (name: string, ancestors: ReadonlyArray<Node>): boolean => {
    for (let index = ancestors.length - 1; index > 0; index--) {
      if (scopes.get(ancestors[index] as Node)?.has(name) === true) return true
    }
    return false
  }
  const use = (name: string, member: string, ancestors: ReadonlyArray<Node>): void => {
    const found = uses.get(name)
    if (found === undefined || isShadowed(name, ancestors)) return
    if (typeDepth > 0) found.types++
    else found.values++
    found.members.add(member)
  }
  const load = (
    how: "dynamic" | "require",
    argument: Node | undefined,
    at: Node,
    ancestors: ReadonlyArray<Node>
  ): void => {
    const specifiers = literals(argument)
    if (specifiers === undefined) computed++
    for (const specifier of specifiers ?? []) {
      loaded.push({ specifier, how, names: ["*"], line: lineOf(at), guarded: isGuarded(at, ancestors) })
    }
  }

  walk(tree, {
    enter: (node, ancestors, key) => {
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
          if (typed) typeDepth++
          use(node.local.name, "*", ancestors)
          if (typed) typeDepth--
          return false
        }
        case "Identifier":
          if (isReference(ancestors, key)) use(node.name, memberOf(ancestors, key), ancestors)
          break
        case "JSXIdentifier":
          if (key === "object" || (key === "name" && ancestors.at(-1)?.type !== "JSXAttribute")) {
            use(node.name, memberOf(ancestors, key), ancestors)
          }
          break
        case "JSXOpeningElement":
        case "JSXOpeningFragment":
          // The classic transform calls React.createElement.
          use("React", "*", ancestors)
          break
        case "ImportExpression":
          load("dynamic", node.source, node, ancestors)
          break
        case "CallExpression":
          if (node.callee.type === "Identifier" && node.callee.name === "require" && node.arguments.length === 1) {
            const declared =
              scopes.get(ancestors[0] ?? node)?.has("require") === true || isShadowed("require", ancestors)
            if (!declared) load("require", node.arguments[0], node, ancestors)
          }
          break
        case "TSImportType": {
          const { specifier, name } = importType(node)
          if (specifier !== undefined) {
            loaded.push({ specifier, how: "type", names: [name], line: lineOf(node), guarded: false })
          }
          break
        }
        default:
      }
      if (isTypeOnly(node)) typeDepth++
      return true
    },
    leave: (node) => {
      if (isTypeOnly(node)) typeDepth--
    }
  })
  return { uses, loaded, computed }
}

const lineOf = (node: Node): number => node.loc?.start.line ?? 0

const blocks = new Set([
  "Program",
  "BlockStatement",
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "SwitchStatement",
  "StaticBlock",
  "TSModuleBlock"
])

/** For each scope, the names of interest that it declares itself. */
const declaredNames = (tree: Tree, interest: ReadonlySet<string>): ReadonlyMap<Node, ReadonlySet<string>> => {
  const scopes = new Map<Node, Set<string>>()
  const declare = (scope: Node | undefined, names: ReadonlyArray<string>): void => {
    for (const name of names) {
      if (scope === undefined || !interest.has(name)) continue
      const declared = scopes.get(scope)
      if (declared === undefined) scopes.set(scope, new Set([name]))
      else declared.add(name)
    }
  }
  const enclosing = (ancestors: ReadonlyArray<Node>, accepts: (node: Node) => boolean): Node | undefined =>
    ancestors.findLast(accepts)
  const isBlock = (node: Node): boolean => blocks.has(node.type)
  const holdsVars = (node: Node): boolean =>
    isFunction(node) || node.type === "Program" || node.type === "StaticBlock" || node.type === "TSModuleBlock"

  const enter: Visitor["enter"] = (node, ancestors) => {
    if (isFunction(node)) {
      declare(node, node.params.flatMap(patternNames))
      if (node.type === "FunctionExpression") declare(node, patternNames(node.id))
    }
    switch (node.type) {
      case "VariableDeclaration": {
        const scope = enclosing(ancestors, node.kind === "var" ? holdsVars : isBlock)
        declare(
          scope,
          node.declarations.flatMap((declarator) => patternNames(declarator.id))
        )
        break
      }
      case "FunctionDeclaration":
      case "ClassDeclaration":
      case "TSEnumDeclaration":
      case "TSModuleDeclaration":
        declare(enclosing(ancestors, isBlock), patternNames(node.id))
        break
      case "ClassExpression":
        declare(node, patternNames(node.id))
        break
      case "CatchClause":
        declare(node, patternNames(node.param))
        break
      case "ImportDeclaration":
        declare(
          ancestors[0],
          node.specifiers.map((specifier) => specifier.local.name)
        )
        break
      default:
    }
  }
  walk(tree, { enter })
  return scopes
}
