import { HTTP_APP } from '../harness/layouts.js';
import { loginTests } from './login.js';

loginTests(HTTP_APP);
