/** Styles have no names of their own: the build gathers them. */
declare module "*.css"
