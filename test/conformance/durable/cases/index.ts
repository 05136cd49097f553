import type { Case } from '../case';
import { activityCases } from './activities';
import { childCases } from './children';
import { clientCases } from './client';
import { controlCases } from './control';
import { entityCases } from './entities';
import { eventCases } from './events';
import { generationCases } from './generations';
import { httpApiCases } from './http-api';
import { httpFunctionCases } from './http-functions';
import { otherCases } from './others';
import { replayCases } from './replays';
import { retryCases } from './retry';
import { taskCases } from './tasks';
import { timerCases } from './timers';

/** Everything that is claimed about the engine. */
export const cases: readonly Case[] = [
  ...activityCases,
  ...retryCases,
  ...childCases,
  ...timerCases,
  ...eventCases,
  ...taskCases,
  ...generationCases,
  ...replayCases,
  ...controlCases,
  ...entityCases,
  ...clientCases,
  ...httpApiCases,
  ...httpFunctionCases,
  ...otherCases,
];
