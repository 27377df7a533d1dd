import { CROSS_SITE } from '../harness/layouts.js';
import { loginTests } from './login.js';

loginTests(CROSS_SITE);
