import { installPlatform } from './install';

// Imported before everything that is to run on the simulated platform.
installPlatform();
