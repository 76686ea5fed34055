/**
 * The modules that a call or a `new` loads: by `require` and `import()` in all their forms, and in ways that no crawl can follow.
 *
 * Boundary: predicates over a node and its ancestors; bindings.ts collects what they say.
 */
import { isFunction, keyName, literals, type Node } from "./ast.ts"
import type { Unseen } from "./facts.ts"

export type Way = Unseen["way"]

/** The load of a place: its specifiers and its manner, or a way that is not followed. */
export type Load =
  | { readonly how: "dynamic" | "require" | "url"; readonly specifiers: ReadonlyArray<string> }
  | { readonly way: Way }

/** The names that are known where the load stands. */
export interface Names {
  /** The kind of a name: the host's own, one made by `createRequire`, or another of the module. */
  readonly kindOf: (name: string) => "host" | "created" | "own"
  /** The module that an import takes a name from, and the name there; undefined if it is not imported. */
  readonly importOf: (name: string) => { readonly specifier: string; readonly imported: string } | undefined
}

/** The load of a node. Undefined if it loads nothing. */
export const loadOf = (node: Node, names: Names): Load | undefined => {
  switch (node.type) {
    case "ImportExpression":
      // import(new URL("./a.js", import.meta.url)): the file is found where the URL is made.
      return isFoundUrl(node.source) ? undefined : ofSpecifiers("dynamic", node.source)
    case "CallExpression":
    case "OptionalCallExpression":
      return ofCall(node.callee, node.arguments, names)
    case "NewExpression":
      return ofNew(node.callee, node.arguments, names)
    default:
      return undefined
  }
}

const ofSpecifiers = (how: "dynamic" | "require" | "url", argument: Node | undefined): Load => {
  const specifiers = literals(argument)
  return specifiers === undefined ? { way: "computed" } : { how, specifiers }
}

const ofCall = (callee: Node, args: ReadonlyArray<Node>, names: Names): Load | undefined => {
  const [argument] = args
  if (isMadeRequire(callee, names)) return ofSpecifiers("require", argument)
  if (callee.type === "Identifier") return ofNamedCall(callee.name, args, names)
  if (callee.type === "MemberExpression" || callee.type === "OptionalMemberExpression") {
    const name = keyName(callee, callee.property) ?? ""
    const owner = callee.object.type === "Identifier" ? names.importOf(callee.object.name)?.specifier : undefined
    return name === "register" && isModule(owner) ? ofHooks(args) : ofMemberCall(callee.object, name, argument, names)
  }
  // (0, require)("./a")
  if (callee.type === "SequenceExpression") return ofCall(callee.expressions.at(-1) ?? callee, args, names)
  return undefined
}

const ofNamedCall = (name: string, args: ReadonlyArray<Node>, names: Names): Load | undefined => {
  const [argument] = args
  const kind = names.kindOf(name)
  if (kind === "created") return ofSpecifiers("require", argument)
  if (name === "require") {
    if (argument === undefined) return undefined
    if (kind === "own") return literals(argument) === undefined ? undefined : { way: "own-require" }
    return argument.type === "ArrayExpression" ? { way: "amd" } : ofSpecifiers("require", argument)
  }
  const origin = names.importOf(name)
  if (origin?.imported === "fork" && isChildProcess(origin.specifier)) return ofStarted(argument)
  if (origin?.imported === "register" && isModule(origin.specifier)) return ofHooks(args)
  if (kind === "own") return undefined
  switch (name) {
    case "define":
      return args.some(isListOfTexts) ? { way: "amd" } : undefined
    case "requirejs":
      return { way: "amd" }
    case "importScripts":
      return { way: "scripts" }
    case "__non_webpack_require__":
      return { way: "own-require" }
    case "eval":
    case "Function":
      return loadsInText(args) ? { way: "eval" } : undefined
    default:
      return undefined
  }
}

const ofMemberCall = (object: Node, name: string, argument: Node | undefined, names: Names): Load | undefined => {
  const isHost = (of: string): boolean =>
    object.type === "Identifier" && object.name === of && names.kindOf(of) !== "own"
  if (isHost("require") || (object.type === "Identifier" && names.kindOf(object.name) === "created")) {
    if (name === "resolve") return ofNamed(argument)
    return name === "context" ? { way: "glob" } : undefined
  }
  if (name === "require") {
    if (isHost("module")) return ofSpecifiers("require", argument)
    return /^(main|mainModule|parent|global|globalThis|window|self)$/.test(lastName(object))
      ? { way: "own-require" }
      : undefined
  }
  // Module._load, of Node's own Module.
  if (name === "_load") return { way: "own-require" }
  if (/^runIn(This|New)?Context$/.test(name)) return loadsInText([argument]) ? { way: "eval" } : undefined
  if (object.type === "MetaProperty") {
    if (name === "resolve") return ofNamed(argument)
    return /^(glob|globEager|webpackContext)$/.test(name) ? { way: "glob" } : undefined
  }
  if (isHost("System")) return name === "import" || name === "register" ? { way: "amd" } : undefined
  if (name === "register" && lastName(object) === "serviceWorker") return ofStarted(argument)
  if (name === "addModule" && /worklet$/i.test(lastName(object))) return ofStarted(argument)
  if (name === "fork" && object.type === "Identifier" && isChildProcess(names.importOf(object.name)?.specifier)) {
    return ofStarted(argument)
  }
  return undefined
}

const ofNew = (callee: Node, args: ReadonlyArray<Node>, names: Names): Load | undefined => {
  const [argument, base] = args
  const name = callee.type === "Identifier" ? callee.name : lastName(callee)
  const from = callee.type === "Identifier" ? names.importOf(name)?.specifier : undefined
  const isHost =
    callee.type !== "Identifier" || names.kindOf(name) === "host" || /worker|^(node:)?url$/i.test(from ?? "")
  if (!isHost) return undefined
  if (name === "URL") {
    const specifiers = literals(argument)
    if (specifiers === undefined || !isOwnUrl(base)) return undefined
    const files = specifiers.filter((specifier) => isCode(specifier) && !hasScheme(specifier)).map(relative)
    return files.length === 0 ? undefined : { how: "url", specifiers: files }
  }
  if (name === "Worker" || name === "SharedWorker") return ofStarted(argument)
  return name === "Function" && loadsInText(args) ? { way: "eval" } : undefined
}

/** A file that is named, not loaded: a module, since somebody will load it. */
const ofNamed = (argument: Node | undefined): Load | undefined => {
  const specifiers = literals(argument)
  return specifiers === undefined ? undefined : { how: "url", specifiers }
}

/** A file that a thread or a process starts with. One that is named by a URL is found where the URL is made. */
const ofStarted = (argument: Node | undefined): Load | undefined => {
  if (argument === undefined || (argument.type === "Identifier" && argument.name === "__filename")) return undefined
  if (isUrl(argument)) {
    const [path, base] = argument.arguments
    if (isImportMeta(path, "url") || isFoundUrl(argument)) return undefined
    const specifiers = isOwnUrl(base) ? literals(path) : undefined
    return specifiers === undefined ? { way: "worker" } : { how: "url", specifiers: specifiers.map(relative) }
  }
  return { way: "worker" }
}

const isUrl = (node: Node | undefined): node is Extract<Node, { type: "NewExpression" }> =>
  node?.type === "NewExpression" && node.callee.type === "Identifier" && node.callee.name === "URL"

/** Whether an expression makes the URL of a file of code, which counts as a load by itself. */
const isFoundUrl = (node: Node | undefined): boolean =>
  isUrl(node) && isOwnUrl(node.arguments[1]) && literals(node.arguments[0])?.every(isCode) === true

const isCode = (specifier: string): boolean => /\.[cm]?[jt]sx?$/.test(specifier)

const hasScheme = (specifier: string): boolean => /^([a-z][a-z\d+.-]*:|\/)/i.test(specifier)

/** A URL is relative without a dot, too. */
const relative = (specifier: string): string => (/^\.{0,2}\//.test(specifier) ? specifier : `./${specifier}`)

const isImportMeta = (node: Node | undefined, name: string): boolean =>
  node?.type === "MemberExpression" && node.object.type === "MetaProperty" && keyName(node, node.property) === name

const isOwnUrl = (node: Node | undefined): boolean => isImportMeta(node, "url")

const isChildProcess = (specifier: string | undefined): boolean => /^(node:)?child_process$/.test(specifier ?? "")

const lastName = (node: Node): string =>
  node.type === "MemberExpression" || node.type === "OptionalMemberExpression"
    ? (keyName(node, node.property) ?? "")
    : node.type === "Identifier"
      ? node.name
      : ""

const isModule = (specifier: string | undefined): boolean => /^(node:)?module$/.test(specifier ?? "")

/** The hooks of `register("./hooks.js", import.meta.url)`, of node:module. */
const ofHooks = ([argument, base]: ReadonlyArray<Node>): Load | undefined => {
  if (isUrl(argument)) return ofStarted(argument)
  return isOwnUrl(base) || isOwnUrl(literalParent(base)) ? ofNamed(argument) : { way: "worker" }
}

/** The base that `{ parentURL: import.meta.url }` gives. */
const literalParent = (node: Node | undefined): Node | undefined => {
  if (node?.type !== "ObjectExpression") return undefined
  const property = node.properties.find(
    (found) => found.type === "ObjectProperty" && keyName(found, found.key) === "parentURL"
  )
  return property?.type === "ObjectProperty" ? property.value : undefined
}

const isListOfTexts = (node: Node): boolean =>
  node.type === "ArrayExpression" && node.elements.some((element) => element?.type === "StringLiteral")

const loadsInText = (args: ReadonlyArray<Node | undefined>): boolean =>
  args.some((argument) => literals(argument)?.some((text) => /\b(require|import)\b/.test(text)) === true)

// --------------------------------------------------------------------------------------------------- createRequire

/** Whether an expression makes a `require` of this very file: `createRequire(import.meta.url)`, or a choice with it. */
export const isMadeRequire = (node: Node | null | undefined, names: Pick<Names, "importOf">): boolean => {
  switch (node?.type) {
    case "CallExpression":
      return isMaker(node.callee, names) && isOwnFile(node.arguments[0])
    case "ConditionalExpression":
      return isMadeRequire(node.consequent, names) || isMadeRequire(node.alternate, names)
    case "LogicalExpression":
      return isMadeRequire(node.left, names) || isMadeRequire(node.right, names)
    case "TSAsExpression":
    case "TSNonNullExpression":
      return isMadeRequire(node.expression, names)
    default:
      return false
  }
}

const isMaker = (callee: Node, names: Pick<Names, "importOf">): boolean =>
  (callee.type === "Identifier" ? (names.importOf(callee.name)?.imported ?? callee.name) : lastName(callee)) ===
  "createRequire"

/**
 * Whether a node makes a `require` that is not followed: one of another file, or one that is not called where it stands and
 * goes to no variable.
 */
export const isLostRequire = (node: Node, ancestors: ReadonlyArray<Node>, names: Pick<Names, "importOf">): boolean => {
  if (node.type !== "CallExpression" || !isMaker(node.callee, names) || node.arguments.length === 0) return false
  if (!isOwnFile(node.arguments[0])) return true
  const user = ancestors.findLast(({ type }) => !choices.has(type))
  switch (user?.type) {
    case "VariableDeclarator":
      return user.id.type !== "Identifier" || ancestors.some(({ type }) => type === "ExportNamedDeclaration")
    case "AssignmentExpression":
      return user.left.type !== "Identifier"
    case "CallExpression":
    case "OptionalCallExpression":
      return user.callee !== node
    case "MemberExpression":
      return keyName(user, user.property) !== "resolve"
    default:
      return true
  }
}

const choices = new Set(["ConditionalExpression", "LogicalExpression", "TSAsExpression", "TSNonNullExpression"])

const isOwnFile = (node: Node | undefined): boolean => {
  if (isImportMeta(node, "url") || isImportMeta(node, "filename")) return true
  if (node?.type === "Identifier") return node.name === "__filename"
  // A bundler's `typeof document === "undefined" ? import.meta.url : ...`
  return node?.type === "ConditionalExpression" && (isOwnFile(node.consequent) || isOwnFile(node.alternate))
}

/** Whether `require` at this place is handed on as a value: its user may load what the crawl does not see. */
export const isHandedOn = (node: Node, ancestors: ReadonlyArray<Node>, key: string): boolean => {
  const parent = ancestors.at(-1)
  switch (parent?.type) {
    case "CallExpression":
    case "OptionalCallExpression":
    case "NewExpression":
      return key === "arguments"
    case "VariableDeclarator":
      return key === "init"
    case "AssignmentExpression":
      return key === "right"
    case "ObjectProperty":
      return parent.value === node && ancestors.at(-2)?.type === "ObjectExpression"
    case "ReturnStatement":
    case "ArrayExpression":
      return true
    default:
      return false
  }
}

// --------------------------------------------------------------------------------------------------- now or later

/** Whether code at a place runs after the module did: inside of a function that is not called where it stands. */
export const isDeferred = (node: Node, ancestors: ReadonlyArray<Node>): boolean =>
  ancestors.some((above, index) => {
    const child = ancestors[index + 1] ?? node
    if (above.type === "ClassProperty" || above.type === "ClassPrivateProperty") {
      return !above.static && above.value === child
    }
    if (!isFunction(above) || isOutside(above, child)) return false
    return above.generator === true || !isCalledInPlace(above, ancestors.slice(Math.max(0, index - 2), index))
  })

/** Computed keys and decorators belong to a method's tree, and are evaluated with what is around the method. */
export const isOutside = (method: Node, child: Node): boolean =>
  ("key" in method && method.key === child) ||
  ("decorators" in method && (method.decorators as ReadonlyArray<Node> | null | undefined)?.includes(child) === true)

const isCalledInPlace = (node: Node, above: ReadonlyArray<Node>): boolean => {
  const parent = above.at(-1)
  if (parent?.type === "CallExpression" || parent?.type === "NewExpression") {
    // A factory that is handed to such a function, as UMD does, is called by it.
    return parent.callee === node || isCallable(parent.callee)
  }
  const outer = above.at(-2)
  return (
    parent?.type === "MemberExpression" &&
    parent.object === node &&
    /^(call|apply)$/.test(lastName(parent)) &&
    outer?.type === "CallExpression" &&
    outer.callee === parent
  )
}

const isCallable = (node: Node): boolean =>
  node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression"
