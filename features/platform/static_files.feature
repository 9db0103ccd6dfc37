Feature: Static files
  Scripts, styles and images may be kept by whoever fetched them.

  Rule: Files of the site

    @NGX-45
    Scenario Outline: <path> expires 30 days after it is sent
      Then "<path>" expires 30 days after it is sent

      Examples:
        | path         |
        | /app.css     |
        | /app.js      |
        | /avatar.png  |
        | /favicon.ico |

    @NGX-46
    Scenario Outline: <path> may be kept by anybody, and not transformed
      Then "<path>" has a Cache-Control of "public, no-transform"

      Examples:
        | path         |
        | /app.css     |
        | /app.js      |
        | /avatar.png  |
        | /favicon.ico |

    @NGX-45 @smoke
    Scenario Outline: <path> is sent as what it is
      Then "<path>" has one of the media types "<types>"

      Examples:
        | path         | types                                     |
        | /app.css     | text/css                                  |
        | /app.js      | text/javascript, application/javascript   |
        | /avatar.png  | image/png                                 |
        | /favicon.ico | image/x-icon, image/vnd.microsoft.icon    |

  Rule: The other documented extensions, of which the site has no file

    @NGX-45 @NGX-46 @only-replica @only-compose
    Scenario Outline: A .<extension> file is cached too
      Then "/__replica/body.<extension>?type=image/jpeg&bytes=100" expires 30 days after it is sent
      And "/__replica/body.<extension>?type=image/jpeg&bytes=100" has a Cache-Control of "public, no-transform"

      Examples:
        | extension |
        | jpg       |
        | jpeg      |
        | gif       |

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario Outline: <path> is missing, and nobody is told to remember that for long
      Then "<path>" is answered 404, and may not be kept

      Examples:
        | path        |
        | /absent.css |
        | /absent.png |
