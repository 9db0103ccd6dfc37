@CHK-10
Feature: Licences
  Under which licence is what we ship, and what we check it with? What a person must judge of it is
  signed off for each release.

  Rule: What is shipped

    Background:
      Given the npm packages that are installed on every application server

    Scenario: Every package of the application is under a licence that asks only to be named
      Then each says that it is under one of these licences
        | MIT          |
        | ISC          |
        | Apache-2.0   |
        | BSD-2-Clause |
        | BSD-3-Clause |

    Scenario: The application's bill of materials is complete
      Then its bill of materials, made of "package-lock.json", has each of them and no other

  Rule: What golive runs with, and is not shipped

    Background:
      Given the Python packages that golive runs with

    # AGPL-3.0 (sslyze, nassl) asks for the source of what users reach over a network: nobody
    # reaches golive. Packages of before PEP 639 name their licence as PyPI does.
    Scenario: Every package of golive is under a licence that lets us use it
      Given these licences, which stand in no package's metadata but in its licence file
        | tls_parser    | 2.0.2  | MIT |
        | promql-parser | 0.12.0 | MIT |
      Then each says that it is under one of these licences
        | MIT                                    |
        | MIT-0                                  |
        | ISC                                    |
        | Apache-2.0                             |
        | BSD-2-Clause                           |
        | BSD-3-Clause                           |
        | MPL-2.0                                |
        | ZPL-2.1                                |
        | PSF-2.0                                |
        | MIT License                            |
        | Apache Software License                |
        | BSD License                            |
        | Mozilla Public License 2.0 (MPL 2.0)   |
        | Python Software Foundation License     |
        | GNU Affero General Public License v3   |

    Scenario: The bill of materials of golive is complete
      Then its bill of materials, made of "requirements.txt", has each of them
