export { isAtOrBelow, resolveBelowRoots } from '../paths';
