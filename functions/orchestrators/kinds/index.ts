import type { Kind, RunInput } from '../../../contracts/migration';
import type { Itinerary } from '../../saga/itinerary';
import { quickStorage } from './quick-storage';

/** Every kind with its itinerary. */
export const itineraries: Record<Kind, Itinerary<RunInput>> = { 'quick-storage': quickStorage };
