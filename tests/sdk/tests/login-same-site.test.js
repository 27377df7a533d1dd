import { SAME_SITE } from '../harness/layouts.js';
import { loginTests } from './login.js';

loginTests(SAME_SITE);
