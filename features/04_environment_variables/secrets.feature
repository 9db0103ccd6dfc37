Feature: Secrets
  Strong, and in no place but their file. A secret that is found elsewhere is told by its name and
  the beginning of its SHA-256, never by its value.

  Background:
    Given these secrets of every application server, and of what golive signs in with
      | MONGO_URI               |
      | JWT_SECRET              |
      | JWT_REFRESH_SECRET      |
      | REDIS_PASSWORD          |
      | OPENAI_API_KEY          |
      | STRAVA_CLIENT_SECRET    |
      | MAPBOX_ACCESS_TOKEN     |
      | OPENWEATHERMAP_API_KEY  |
      | redis-admin-password    |
      | redis-exporter-password |
      | mongo-admin-password    |
      | mongo-exporter-password |

  Rule: They are strong

    @ENV-05 @ENV-09 @ENV-12 @ENV-13 @unwaivable
    Scenario: Nobody guesses a secret
      Then each of these is that long, and that hard to guess
        | secret                | characters | bits |
        | JWT_SECRET            | 32         | 100  |
        | JWT_REFRESH_SECRET    | 32         | 100  |
        | REDIS_PASSWORD        | 32         | 100  |
        | password of MONGO_URI | 32         | 100  |

    @ENV-09 @ENV-12 @ENV-13
    Scenario: No secret does for two things
      Then no two secrets of a server are the same

  Rule: They are nowhere else

    @ENV-27 @unwaivable
    Scenario: Whatever file holds a secret, its owner alone can read it
      Then of the files below these directories, those that hold a secret have at most the permissions 600
        | /var/www/dashboard-velo-api |
        | /var/backups                |

    @ENV-27 @ahead @unwaivable
    Scenario: No secret is in the repository
      Then neither a file of the repository nor one of the stack holds a secret
      And detect-secrets suspects nothing in them

    @ENV-27
    Scenario: No secret is in a log, nor in what PM2 keeps
      Then no file below these directories holds a secret
        | app  | /var/log |
        | edge | /var/log |
      And no file below the PM2 home of a worker does

    @ENV-27
    Scenario: No secret is in a command line
      Then no process on hosts of these roles has a secret among its arguments
        | app        |
        | edge       |
        | monitoring |

    @ENV-27
    Scenario: No process of another user has a secret in its environment
      Then on the application servers, only processes of the workers' user have secrets of them in their environment

    @ENV-27 @unwaivable
    Scenario: No answer holds a secret
      Then no answer of the edge, nor of an application server, holds a secret
        | GET  | /                                  |
        | GET  | /api/docs/                         |
        | GET  | /api/docs/openapi.json             |
        | GET  | /api/v1/weather?city=lyon          |
        | GET  | /api/v1/absent                     |
        | GET  | /api/v1/riders/me/statistics       |
        | POST | /api/auth/login                    |
        | GET  | /health                            |
        | GET  | /ready                             |
        | GET  | /metrics                           |

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: PM2 gives the workers no secret
      Then no worker was started with a secret in its environment
