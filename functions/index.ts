import { registerActivities } from '../activities';
import { createApp, type App } from '../activities/app';
import { readSettings } from '../activities/settings';
import './orchestrators';
import { registerTriggers } from './triggers';

/** The entry point of the Functions app: registration only. Settings are read at the first call, and their error is told there. */
let made: App | undefined;
const app = (): App => (made ??= createApp(readSettings(process.env)));

registerActivities(app);
registerTriggers(app);
