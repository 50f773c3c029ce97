/** The zoom from which each watched area is on the tiles. */
export const areasFrom = 13;
